"""Every private name of torch that modules and integrations use is in a table, and is there."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

from opparity import torch_names
from opparity.errors import TorchNameMissing

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = Path(torch_names.__file__).parent
FOLDERS = ("integrations", "nn", "operators")
# Of vLLM, which has gates of its own.
FOREIGN = {
    "_FUSED_ACT_QUANT",
    "_FUSED_ACT_QUANT_SUPPORT",
    "_POSSIBLE_FP8_BLOCK_KERNELS",
    "_silu_and_mul_fp8_dynamic_128",
    "_recipe",  # our own, of a Quantized
}


def private_names(path: Path) -> set[str]:
    """Return the private names that a file takes from something other than itself."""
    tree = ast.parse(path.read_text("utf-8"))
    found = set()
    for node in evaluated(tree):
        if isinstance(node, ast.Attribute) and not is_own(node.value):
            found |= {node.attr} if is_private(node.attr) else set()
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("torch"):
            parts = [*str(node.module).split("."), *(alias.name for alias in node.names)]
            if any(map(is_private, parts)):
                found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.FunctionDef) and is_private(node.name):
            # A method of torch's modules that is replaced is called by torch under its name.
            found |= {node.name} if hasattr(torch.nn.Module, node.name) else set()
    return found - FOREIGN


def evaluated(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what runs: no annotations, and nothing that is for a type checker alone."""
    yield node
    skipped: list[ast.AST | None] = []
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    if isinstance(node, (ast.AnnAssign, ast.arg)):
        skipped = [node.annotation]
    elif isinstance(node, ast.FunctionDef):
        skipped = [node.returns]
    for child in ast.iter_child_nodes(node):
        if child not in skipped:
            yield from evaluated(child)


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name != "_"


def is_own(value: ast.expr) -> bool:
    return ast.unparse(value) in {"self", "cls", "ctx"}


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")


def names_in_the_table(module: str) -> set[str]:
    """Return each part of the names that features of a module may use."""
    return {
        part
        for feature in torch_names.FEATURES
        if any(f"{module}.".startswith(f"{prefix}.") for prefix in feature.modules)
        for name in feature.names
        for part in name.split(".")
    }


PATHS = sorted(path for folder in FOLDERS for path in (SOURCE / folder).rglob("*.py"))


def test_no_private_name_is_used_without_its_line_in_the_table() -> None:
    unknown = [
        f"{module_of(path)}: {name}"
        for path in PATHS
        for name in private_names(path) - names_in_the_table(module_of(path))
    ]
    assert unknown == []


@pytest.mark.parametrize("feature", torch_names.FEATURES, ids=lambda feature: feature.name)
def test_no_line_of_the_table_is_left_over(feature: torch_names.Feature) -> None:
    texts = [
        path.read_text("utf-8")
        for path in PATHS
        if any(f"{module_of(path)}.".startswith(f"{prefix}.") for prefix in feature.modules)
    ]
    assert texts
    for name in feature.names:
        last = name.rpartition(".")[2]
        assert any(re.search(rf"\b{last}\b", text) for text in texts), name


@pytest.mark.parametrize(
    "name", sorted({name for feature in torch_names.FEATURES for name in feature.names})
)
def test_this_torch_has_the_name(name: str) -> None:
    assert torch_names.exists(name)
    assert not torch_names.exists(f"{name}_of_old")


def test_this_torch_is_no_newer_than_what_was_tried() -> None:
    assert not torch_names.is_newer(torch.__version__), (
        "run tests/test_torch_names.py, tests/integrations and tests/nn with this version, and "
        "move torch_names.TRIED"
    )


@pytest.mark.parametrize(
    ("version", "newer"),
    [
        ("2.11.0+cu130", False),
        ("2.13.0a0+git1", False),
        ("2.14.1+cu130", False),
        ("2.15.0a0+git1", True),
        ("2.15.0", True),
        ("3.0", True),
    ],
)
def test_a_version_is_newer_by_its_first_two_numbers(version: str, newer: bool) -> None:
    assert torch_names.is_newer(version) == newer


def test_a_newer_version_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "__version__", "2.15.0")
    monkeypatch.setattr(torch_names, "_warned", [])
    with pytest.warns(UserWarning, match=r"tried with torch 2\.13 to 2\.14; this is 2\.15\.0"):
        torch_names.require(torch_names.SHARDING)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        torch_names.require(torch_names.COMPILE_PASS)


# What takes a name away, what uses it, and what is said.
GONE = {
    "operators": (
        "del torch._C._increment_version",
        "import opparity; opparity.load()",
        "every operator uses torch._C._increment_version, which torch",
    ),
    "operators, by a module": (
        "import torch._functorch.utils as m; del m.enable_single_level_autograd_function",
        "import opparity; opparity.quantize",
        "torch._functorch.utils.enable_single_level_autograd_function, which torch",
    ),
    "compile pass": (
        "import torch._inductor.custom_graph_pass as m; del m.get_hash_for_files",
        "import opparity.integrations.compile_pass",
        "torch._inductor.custom_graph_pass.get_hash_for_files, which torch",
    ),
    "sharding": (
        (
            "from torch.distributed.tensor import DTensor; "
            "del DTensor._op_dispatcher.sharding_propagator.op_to_schema_info"
        ),
        "from opparity.integrations import dtensor; dtensor.register()",
        "op_to_schema_info, which torch",
    ),
    "modules": (
        "torch.nn.Module._moved = torch.nn.Module._apply; del torch.nn.Module._apply",
        "import opparity.nn",
        "opparity.nn uses torch.nn.Module._apply, which torch",
    ),
    "int8": (
        "del torch._int_mm",
        (
            "import opparity.nn; opparity.nn.Int8Linear.from_weight(torch.ones(8, 8))"
            "(torch.ones(2, 8))"
        ),
        "the product of int8 matrices uses torch._int_mm, which torch",
    ),
    "fuse": (
        (
            "from opparity.integrations.transformers import fuse; "
            "del torch.nn.Module.__annotations__['_forward_hooks']"
        ),
        "fuse(torch.nn.Sequential())",
        "fuse(model) uses torch.nn.Module._forward_hooks, which torch",
    ),
}


@pytest.mark.parametrize("feature", GONE)
def test_a_name_that_is_gone_is_told_by_its_name(feature: str) -> None:
    taking, using, said = GONE[feature]
    ended = subprocess.run(
        [sys.executable, "-c", f"import torch; {taking}\n{using}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    last = ended.stderr.strip().splitlines()[-1]
    assert "TorchNameMissing" in last or "ArgumentRefused" in last
    assert said in last
    assert f"{torch.__version__} does not have; tried: torch 2.13 to 2.14; install one" in last


def test_a_missing_name_of_the_plugin_is_an_error_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.library.Library, "_destroy")
    with pytest.raises(TorchNameMissing, match=r"Library\._destroy, .* set OPPARITY_VLLM=off"):
        torch_names.require(torch_names.VLLM)


def test_a_module_that_lacks_another_one_is_not_said_to_be_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(name: str) -> None:
        raise ModuleNotFoundError(f"{name} needs another", name="another")

    monkeypatch.setattr("importlib.import_module", broken)
    with pytest.raises(ModuleNotFoundError, match="needs another"):
        torch_names.exists("torch.no_such_module.name")
