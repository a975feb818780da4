from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import torch
from typer.testing import CliRunner

import flawed_operator
import opparity
from opparity import packages, verification
from opparity.command_line import application
from opparity.nn import BlockFP8Linear, Int8Linear, MXFP8Linear
from opparity.nn.products import PRODUCTS
from opparity.operators import (
    IMPLEMENTATIONS,
    OPERATORS,
    native_library,
)
from opparity.operators.cases import cases
from opparity.operators.reference import values as values_of_reference
from opparity.random_calls.table import GROUPS
from opparity.verification import digest

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from opparity.formats import ValueFormat
    from opparity.operators.case import Case

SCHEMAS = Path(__file__).parents[1] / "docs" / "schemas"


def command(*arguments: str, status: int = 0) -> dict[str, Any]:
    """Run a subcommand; return its JSON document, checked against its schema."""
    finished = CliRunner().invoke(application, [*arguments, "--output-format", "json"])
    assert finished.exit_code == status, finished.output
    document: dict[str, Any] = json.loads(finished.stdout)
    schema = json.loads((SCHEMAS / f"{arguments[0]}.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(document)
    return document


@pytest.fixture
def few_cases(monkeypatch: pytest.MonkeyPatch) -> tuple[Case, ...]:
    """Let verify run two cases of each operator alone."""
    seen = Counter[str]()
    chosen = []
    for case in cases():
        seen[case.operator] += 1
        if seen[case.operator] <= 2:
            chosen.append(case)
    monkeypatch.setattr(verification, "cases", lambda: tuple(chosen))
    return tuple(chosen)


@pytest.fixture
def flawed(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a provider with wrong kernels for the CPU into the table."""

    return partial(flawed_operator.put_into_the_table, monkeypatch)


def results_by_provider(document: dict[str, Any]) -> dict[str, dict[str, dict[str, Any]]]:
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for row in document["results"]:
        if row["platform"] == "cpu":
            found.setdefault(row["provider"], {})[row["operator"]] = row
    return found


def test_a_kernel_that_is_wrong_in_a_bit_is_found_and_counted(
    few_cases: tuple[Case, ...], flawed: Callable[[str], None]
) -> None:
    flawed("two_bits")
    results = results_by_provider(command("verify", status=1))
    assert set(results) == {"native", "reference", "flawed"}
    for operator in OPERATORS:
        name = operator.qualified_name
        mine = [case for case in few_cases if case.operator == name]
        wrong = results["flawed"][name]
        assert wrong["status"] == "different"
        assert wrong["reason"] == f"{mine[0].name} differs"
        assert wrong["cases"] == len(mine)
        assert wrong["values"] == sum(case.num_tokens * case.hidden_size for case in mine)
        assert wrong["mismatched_values"] == len(mine)
        for provider, threads in (("native", torch.get_num_threads()), ("reference", 1)):
            assert results[provider][name] == wrong | {
                "provider": provider,
                "device": f"cpu ({threads} threads)",
                "status": "equal",
                "reason": None,
                "mismatched_values": 0,
                "mismatched_scales": 0,
            }
    assert results["flawed"]["silu_and_mul_per_block_quant"]["mismatched_scales"] == 2


@pytest.mark.usefixtures("few_cases")
def test_the_reference_alone_computes_in_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_num_threads()
    kernels = values_of_reference.encode
    seen = set()

    def seeing(numbers: Tensor, value_format: ValueFormat) -> Tensor:
        seen.add(torch.get_num_threads())
        return kernels(numbers, value_format)

    monkeypatch.setattr(values_of_reference, "encode", seeing)
    torch.set_num_threads(2)
    try:
        results = results_by_provider(command("verify", "--random-values", "1"))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert seen == {1}
    for provider, threads in (("native", 2), ("reference", 1)):
        devices = {row["device"] for row in results[provider].values()}
        assert devices == {f"cpu ({threads} threads)"}


@pytest.mark.usefixtures("few_cases")
@pytest.mark.parametrize("kernel", ["zeros", "nothing"])
def test_a_kernel_that_writes_zeros_or_nothing_is_found_for_every_operator(
    flawed: Callable[[str], None], kernel: str
) -> None:
    flawed(kernel)
    results = results_by_provider(command("verify", status=1))["flawed"]
    assert set(results) == {operator.qualified_name for operator in OPERATORS}
    for row in results.values():
        assert row["status"] == "different", row["operator"]
        assert row["mismatched_values"] > row["values"] / 4, row["operator"]


@pytest.mark.usefixtures("few_cases")
def test_the_table_says_different_and_which_case_is_first(flawed: Callable[[str], None]) -> None:
    flawed("two_bits")
    finished = CliRunner().invoke(application, ["verify"])
    assert finished.exit_code == 1
    rows = [line.split() for line in finished.stdout.splitlines() if "flawed" in line]
    assert rows[0][:3] == ["flawed", "cpu", "different"]
    assert len(rows) == 1 + len(OPERATORS)
    # Long names are folded, never cut.
    unfolded = "".join(finished.stdout.split())
    assert "silu_and_mul_per_block_quant.intermediate:" in unfolded
    assert all(len(line) <= 80 for line in finished.stdout.splitlines())


@pytest.mark.usefixtures("few_cases")
def test_a_reference_that_is_wrong_itself_is_not_hidden_by_counts_of_zero(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    original = values_of_reference.encode

    def flawed_encode(numbers: Tensor, value_format: ValueFormat) -> Tensor:
        codes = original(numbers, value_format)
        # An expert may have no rows.
        codes.view(torch.uint8)[:1, :1] ^= 1
        return codes

    monkeypatch.setattr(values_of_reference, "encode", flawed_encode)
    results = results_by_provider(command("verify", status=1))
    name = "silu_and_mul_per_block_quant"
    assert results["native"][name]["status"] == "equal"
    wrong = results["reference"][name]
    assert wrong["status"] == "different"
    assert wrong["mismatched_values"] == 0
    assert "so does the reference that the counts compare with" in wrong["reason"]


def rows_of_groups(document: dict[str, Any], provider: str) -> dict[str, dict[str, Any]]:
    return {
        row["group"]: row
        for row in document["groups"]
        if (row["platform"], row["provider"]) == ("cpu", provider)
    }


@pytest.mark.usefixtures("small_calls")
def test_random_values_are_compared_beside_the_golden_ones(few_cases: tuple[Case, ...]) -> None:
    document = command("verify", "--random-values", "3000", "--device", "cpu", "--seed", "4")
    assert document["seed"] == 4
    rows = rows_of_groups(document, "native")
    assert list(rows) == [group.name for group in GROUPS]
    for group in GROUPS:
        row = rows[group.name]
        assert row["status"] == "equal", row["reason"]
        assert row["values"] >= 3000
        assert row["calls"] >= group.turns
    golden = results_by_provider(document)
    for provider in ("native", "reference"):
        assert sum(row["cases"] for row in golden[provider].values()) == len(few_cases)
    # The reference is what others are compared with.
    assert rows_of_groups(document, "reference") == {}


@pytest.mark.usefixtures("small_calls")
def test_a_group_by_its_name_is_run_without_golden_cases() -> None:
    document = command("verify", "--random-values", "1", "--group", "gradients", "--device", "cpu")
    assert document["results"] == []
    assert [row["group"] for row in document["groups"]] == ["gradients"]


@pytest.mark.usefixtures("small_calls")
def test_a_difference_in_a_random_call_ends_with_status_1_and_how_to_repeat_it(
    flawed: Callable[[str], None],
) -> None:
    flawed("two_bits")
    asked = ("verify", "--random-values", "1", "--group", "norms", "--device", "cpu")
    document = command(*asked, "--seed", "9", status=1)
    assert rows_of_groups(document, "native")["norms"]["status"] == "equal"
    wrong = rows_of_groups(document, "flawed")["norms"]
    assert wrong["status"] == "different"
    assert wrong["mismatched"] > 0
    program, *repeat = shlex.split(wrong["repeat"])
    assert program == "opparity"
    again = rows_of_groups(command(*repeat, status=1), "flawed")["norms"]
    assert again["calls"] == 1
    assert again["reason"] == wrong["reason"]
    text = CliRunner().invoke(application, [*asked, "--seed", "9"])
    assert text.exit_code == 1
    assert wrong["repeat"] in " ".join(text.stdout.split())
    assert "seed 9: flawed on cpu" in text.stdout
    assert all(len(line) <= 80 for line in text.stdout.splitlines())


def test_groups_that_no_native_kernel_ran_are_not_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPPARITY_FORBID", "native")
    monkeypatch.setattr("opparity.operators.selection._policies", [])
    asked = ("verify", "--random-values", "1", "--group", "norms", "--device", "cpu")
    [row] = command(*asked, status=1)["groups"]
    assert (row["group"], row["status"], row["calls"]) == ("every group", "refused", 0)
    assert row["reason"] in " ".join(CliRunner().invoke(application, asked).stdout.split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--random-values", "1", "--group", "norm"), "--group norm is no group of random calls"),
        (("--group", "norms"), "is given, and --random-values is not"),
        (("--seed", "1"), "is given, and --random-values is not"),
        (("--call", "1"), "is given, and --random-values is not"),
    ],
)
def test_a_mistake_in_what_is_asked_for_ends_with_status_2(
    arguments: tuple[str, ...], words: str
) -> None:
    finished = CliRunner().invoke(application, ["verify", *arguments])
    assert finished.exit_code == 2
    assert words in finished.stderr


@pytest.mark.usefixtures("few_cases")
def test_every_refused_row_has_a_reason_and_compared_nothing() -> None:
    refused = [row for row in command("verify")["results"] if row["status"] == "refused"]
    # No torch is built for CUDA and for ROCm.
    assert {row["platform"] for row in refused} >= {"rocm"} or torch.version.hip is not None
    for row in refused:
        assert f"is not built for {row['platform']}" in row["reason"] or "no GPU" in row["reason"]
        assert (row["device"], row["cases"], row["values"]) == ("none", 0, 0)


def test_doctors_document_has_every_implementation_of_the_table() -> None:
    document = command("doctor")
    rows = document["rows"]
    assert document["operators"] == list(dict.fromkeys(row.name for row in OPERATORS))
    assert {(row["platform"], row["provider"]) for row in rows} == {
        (str(platform), implementation.provider)
        for implementation in IMPLEMENTATIONS
        for platform in implementation.platforms
    }
    on_the_cpu = [row["status"] for row in rows if row["platform"] == "cpu"]
    assert on_the_cpu.count("selected") == 1


def test_doctor_asks_for_no_gpus_compiler_where_torch_is_built_for_cpus(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def absent() -> str:
        message = "torch has no GPU here; install a torch that is built for one"
        raise RuntimeError(message)

    opparity.load()
    monkeypatch.setattr(torch.ops.opparity, "gpu_compiler", absent)
    monkeypatch.setattr("opparity.operators.torch_build.gpu_platform", lambda: None)
    said = f"none: torch {torch.__version__} is built for CPUs alone, which need none"
    assert command("doctor")["compiler"] == said


def test_doctor_has_the_version_of_each_package_that_models_come_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("opparity.doctor.version_of", {"transformers": "5.24.0"}.get)
    versions = command("doctor")["versions"]
    found = {name: versions[name] for name in ("transformers", "vllm", "sglang")}
    assert found == {"transformers": "5.24.0", "vllm": None, "sglang": None}


def test_a_wrong_scale_of_columns_counts_as_a_scale(
    few_cases: tuple[Case, ...], flawed: Callable[[str], None]
) -> None:
    flawed("column_scales")
    results = results_by_provider(command("verify", status=1))["flawed"]
    with_columns = [row for row in OPERATORS if row.has_columns]
    assert with_columns
    for operator in OPERATORS:
        row = results[operator.qualified_name]
        mine = [case for case in few_cases if case.operator == operator.qualified_name]
        assert row["mismatched_values"] == 0
        assert row["mismatched_scales"] == (len(mine) if operator in with_columns else 0)
        assert row["status"] == ("different" if operator in with_columns else "equal")


def test_doctor_has_each_product_of_matrices_with_the_one_that_modules_take() -> None:
    document = command("doctor")
    assert document["no_products"] is None
    listed = [row for row in document["products"] if row["device"] == "cpu"]
    rows = {(row["recipe"], row["product"]): row for row in listed}
    assert list(rows) == [(product.recipe, product.name) for product in PRODUCTS]
    for layer in (BlockFP8Linear, MXFP8Linear, Int8Linear):
        module = layer.from_weight(torch.ones(128, 128))
        assert rows[layer.recipe, module.product.name]["status"] == "selected"
    for recipe in (BlockFP8Linear.recipe, MXFP8Linear.recipe):
        assert rows[recipe, "exact"]["status"] == "only when asked"
    refused = rows[BlockFP8Linear.recipe, "scaled_mm"]
    assert refused["status"] == "refused"
    assert "NVIDIA alone; the device is cpu" in refused["reason"]


def test_doctor_says_why_there_are_no_products(monkeypatch: pytest.MonkeyPatch) -> None:
    # As where a private name is gone: importing the modules is then an error.
    monkeypatch.delattr("opparity.nn.examination", raising=False)
    monkeypatch.setitem(sys.modules, "opparity.nn.examination", None)
    monkeypatch.setattr("opparity.doctor.TorchNameMissing", ImportError)
    assert command("doctor")["no_products"]
    text = CliRunner().invoke(application, ["doctor"]).stdout
    assert "opparity.nn cannot be used: " in " ".join(text.split())


@pytest.mark.parametrize("name", ["doctor", "verify"])
def test_a_capability_that_the_processor_lacks_ends_with_a_message_and_status_2(name: str) -> None:
    completed = subprocess.run(
        [sys.executable, "-m", "opparity", name],
        env={**os.environ, "OPPARITY_CPU_CAPABILITY": "sse9"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 2
    assert completed.stdout == ""
    assert "OPPARITY_CPU_CAPABILITY is 'sse9'; allowed on this processor: " in completed.stderr
    assert "baseline; unset it for the best" in completed.stderr
    assert "internal error" not in completed.stderr


def test_doctors_table_keeps_long_reasons_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    # The library cannot be loaded once operators are defined without it, as they would be here.
    assert native_library.load() is None
    opparity.load()
    reason = "; ".join(f"reason number {number} of a long list" for number in range(9))
    monkeypatch.setattr(native_library, "load", lambda: reason)
    monkeypatch.setenv("COLUMNS", "80")
    table = CliRunner().invoke(application, ["doctor"]).stdout
    assert "".join(reason.split()) in "".join(table.split())
    assert all(len(line) <= 80 for line in table.splitlines())


@pytest.mark.parametrize("name", ["doctor", "verify"])
def test_the_schemas_refuse_a_refusal_without_a_reason(name: str) -> None:
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text("utf-8"))
    key = {"doctor": "rows", "verify": "results"}[name]
    row_schema = schema["properties"][key]["items"]
    texts = {"operator": "x", "provider": "native", "platform": "cpu", "device": "none"}
    row: dict[str, object] = {field: texts.get(field, 0) for field in row_schema["required"]}
    validator = jsonschema.Draft202012Validator(row_schema)
    assert validator.is_valid(row | {"status": "refused", "reason": "it is not installed"})
    assert not validator.is_valid(row | {"status": "refused", "reason": None})
    assert not validator.is_valid(row | {"status": "refused", "reason": "so", "other": 1})


@pytest.mark.parametrize("dtype", [torch.float32, torch.float8_e4m3fn, torch.int8], ids=str)
def test_a_digest_depends_on_values_in_logical_order_and_not_on_strides(dtype: torch.dtype) -> None:
    numbers = torch.arange(-24, 24).view(6, 8).to(dtype)
    plain = digest(numbers)
    turned = numbers.view(torch.uint8).view(6, -1).t().contiguous().t()
    wide = torch.zeros(6, 20).to(dtype)
    wide[:, 5:13] = numbers
    assert digest(wide[:, 5:13]) == plain
    if dtype.itemsize == 1:
        assert not turned.is_contiguous()
        assert digest(turned.view(dtype)) == plain
    else:
        assert digest(numbers.t().contiguous().t()) == plain
    assert digest(numbers.flip(0)) != plain
    assert digest(numbers.view(8, 6).t()) != plain


def test_a_digest_tells_the_two_zeros_and_the_payloads_of_nan_apart() -> None:
    patterns = torch.tensor([0, -(2**31), 0x7FC00000, 0x7FC00001], dtype=torch.int32)
    assert len({digest(pattern.view(torch.float32)) for pattern in patterns}) == 4


@pytest.mark.parametrize("name", ["doctor", "verify"])
def test_a_provider_that_does_not_exist_ends_with_a_message_and_status_2(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPPARITY_FORCE", "nativ")
    monkeypatch.setattr("opparity.operators.selection._policies", [])
    finished = CliRunner().invoke(application, [name])
    assert finished.exit_code == 2
    assert "provider 'nativ' is unknown" in finished.stderr
    assert "did you mean native" in finished.stderr


def test_doctor_without_torch_refuses_every_row_and_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # What was found when torch was imported is kept.
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr("opparity.doctor.objection", packages.objection.__wrapped__)
    rows = command("doctor")["rows"]
    assert len(rows) == sum(len(row.platforms) for row in IMPLEMENTATIONS)
    for row in rows:
        assert row["status"] == "refused"
        assert row["reason"].startswith("torch is not installed; `pip install")


def test_verify_without_torch_ends_with_a_message_and_status_2(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("opparity.packages.find_spec", lambda _: None)
    finished = CliRunner().invoke(application, ["verify"])
    assert finished.exit_code == 2
    words = " ".join(finished.stderr.split())
    assert (
        "opparity verify needs torch, numpy; `pip install 'torch>=2.11' numpy`, and then" in words
    )
    assert "Opparity again from its clone" in words
