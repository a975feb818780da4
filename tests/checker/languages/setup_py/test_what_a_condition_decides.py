"""Whether an `if` of a build script is surely taken, surely not, or may be.

Where nothing is built with the newest torch, an older one may be meant: that is open.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.platforms import Platform
from opparity.checker.languages.setup_py.reader import read_setup_scripts
from opparity.checker.tree.opening import open_tree

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = """
import os, platform, sys
import torch
from torch.utils.cpp_extension import CUDA_HOME, ROCM_HOME, CUDAExtension
from somewhere import asked
class Plain: pass
if {}:
    CUDAExtension("m", ["a.cpp"])
"""
TAKEN = """
asked() or True
asked() or "text"
not (asked() and False)
CUDA_HOME
CUDA_HOME is not None
CUDA_HOME is not None and not asked() is None or True
ROCM_HOME is None
torch.version.cuda
torch.version.cuda is not None
torch.version.hip is None
not torch.version.hip
None is torch.version.hip
torch.cuda.is_available()
torch.cuda.is_available() and not torch.version.hip
torch.cuda.device_count() > 0 or torch.cuda.device_count()
torch.__version__ >= "2.0"
torch.__version__ > "1.13"
not torch.__version__ < "2.1"
sys.version_info >= (3, 8)
sys.platform == "linux"
sys.platform != "win32"
sys.platform.startswith("lin")
os.name == "posix"
platform.system() == "Linux"
platform.machine() in ("x86_64", "amd64")
os.environ.get("FORCE_CUDA", "0") == "1"
"FORCE_CUDA" in os.environ
os.getenv("NO_SUCH") is None
os.getenv("NO_SUCH", "1") == "1"
"NO_SUCH" not in os.environ
not os.environ.get("NO_SUCH")
int(os.environ.get("JOBS", "4")) == 4
"sdist" not in sys.argv
"--help" not in sys.argv
hasattr(torch, "cuda")
not hasattr(torch, "musa")
[asked()]
(asked(), asked())
Plain
Plain()
len([asked(), 1]) == 2
{"a": asked()}
"a" in {"a": asked()}
any([asked(), True])
not all([asked(), False])
"cu" in torch.__version__
"+cu" in torch.__version__
"rocm" not in torch.__version__
""".strip().splitlines()
LEFT_OUT = """
asked() and False
not (asked() or True)
ROCM_HOME
CUDA_HOME is None
torch.version.hip
torch.version.hip is not None
torch.version.cuda is None
torch.xpu.is_available()
sys.version_info < (3, 8)
sys.platform == "win32"
sys.platform in ("win32", "darwin")
os.name != "posix"
os.environ.get("FORCE_HIP", "0") == "1"
"NO_SUCH" in os.environ
os.getenv("NO_SUCH")
"sdist" in sys.argv
[] or None
asked() if False else ""
all([asked(), False])
"b" in {"a": asked()}
hasattr(torch, "musa")
""".strip().splitlines()
OPEN = """
asked()
not asked()
asked() and True
asked() or False
asked() == 1
asked() is None
asked() in ("a", "b")
"a" in asked()
asked().attribute
asked() > 3
asked() + "a" == "b"
"a" == f"{asked()}"
CUDA_HOME == "/usr/local/cuda-12"
torch.version.cuda == asked()
len(asked()) > 0
any([asked(), False])
all([asked(), True])
[x for x in ("a", "b") if x == asked()]
bool(asked())
"a" in ["b", asked()]
asked() != asked()
True if asked() else False
"wheel" in sys.argv
torch.cuda.get_device_capability() == (9, 0)
torch.__version__ == torch.version.cuda
torch.__version__ < "2.0"
torch.__version__ == "1.13"
"rocm" in torch.__version__
""".strip().splitlines()
EXPECTED = (
    *((text, Truth.TRUE) for text in TAKEN),
    *((text, Truth.FALSE) for text in LEFT_OUT),
    *((text, Truth.UNKNOWN) for text in OPEN),
)


@pytest.mark.parametrize(("condition", "expected"), EXPECTED)
def test_a_condition_is_decided_as_far_as_it_can_be(
    tmp_path: Path, condition: str, expected: Truth
) -> None:
    (tmp_path / "setup.py").write_text(SCRIPT.format(condition))
    builds = read_setup_scripts(open_tree(tmp_path), [Platform("cuda")])
    built = [target.built for build in builds for target in build.targets]
    assert built == ([] if expected is Truth.FALSE else [expected])


@pytest.mark.parametrize(
    ("architectures", "newest"),
    [
        (("9.0",), "(9, 0)"),
        (("9.0a",), "(9, 0)"),
        (("8.9+PTX",), "(8, 9)"),
        (("8.6", "12.1", "9.0"), "(12, 1)"),
        (("10.3f", "10.0"), "(10, 3)"),
        (("9",), "(9, 0)"),
        (("native", "8.6"), "(8, 6)"),
    ],
)
def test_a_machine_has_the_newest_architecture_that_was_asked_for(
    tmp_path: Path, architectures: tuple[str, ...], newest: str
) -> None:
    for asked, built in ((newest, [Truth.TRUE]), ("(1, 0)", [])):
        condition = f"torch.cuda.get_device_capability() == {asked}"
        (tmp_path / "setup.py").write_text(SCRIPT.format(condition))
        builds = read_setup_scripts(open_tree(tmp_path), [Platform("cuda", architectures)])
        assert [target.built for build in builds for target in build.targets] == built
