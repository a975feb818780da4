"""What a build script would learn of the machine it runs on, platform by platform."""

from __future__ import annotations

import re
import sys
from dataclasses import field
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import Truth, truth_of
from opparity.checker.facts.numbers import whole_number
from opparity.checker.facts.records import fact
from opparity.checker.languages.setup_py.values import (
    NONE,
    Class,
    Collection,
    CommandLine,
    Instance,
    Item,
    Known,
    Library,
    Newest,
    Unsure,
    Value,
)

if TYPE_CHECKING:
    from opparity.checker.facts.platforms import Platform

# Packages that a build may import and always finds.
_PRESENT = sys.stdlib_module_names | {
    "distutils",
    "ninja",
    "numpy",
    "packaging",
    "pkg_resources",
    "pybind11",
    "setuptools",
    "torch",
    "wheel",
}
# Vendors' packages -> the platform on which they are installed.
_VENDOR_PACKAGES = {
    "habana_frameworks": "hpu",
    "intel_extension_for_pytorch": "xpu",
    "torch_xla": "tpu",
    "cupy": "cuda",
    "pynvml": "cuda",
}
_VENDOR_TORCH = re.compile(r"torch_([a-z]+)$")
_AVAILABLE = re.compile(
    r"torch\.(?:backends\.)?(?:is_(?P<flat>\w+?)_available|(?P<module>\w+)\.is_available)$"
)
_FORCED = re.compile(r"(?:\w+_)?FORCE_(?P<name>[A-Z]+)$")
# Devices that torch has only where a vendor's package adds them: `hasattr(torch, "musa")`.
VENDOR_DEVICES = frozenset({"npu", "mlu", "musa", "hpu", "tpu", "sdaa"})
_DEVICES = VENDOR_DEVICES | {"cuda", "rocm", "mps", "xpu"}
_TOOLKITS = {
    "CUDA_HOME": "cuda",
    "ROCM_HOME": "rocm",
    "HIP_HOME": "rocm",
    "IS_HIP_EXTENSION": "rocm",
    "SYCL_HOME": "xpu",
    "MUSA_HOME": "musa",
    "NEUWARE_HOME": "mlu",
}
_CPP_EXTENSION = re.compile(r"(?:torch|torch_\w+)(?:\.utils)*\.cpp_extension\.(\w+)$")


# An environment variable that asks for the extensions (MMCV_WITH_OPS).
_SWITCH = re.compile(r"(?:^|_)(?:WITH|BUILD|ENABLE|INSTALL|KEEP|USE)_")
# One that asks a program for what it compiles while it runs (RWKV_CUDA_ON).
_SWITCH_OF_A_PROGRAM = re.compile(r"_(?:ON|ENABLED)$")

# Variables with which a build goes without GPUs: set, or set off, where it is the CPU's.
_WITHOUT_GPU = re.compile(r"^(?:\w+_)?(?:NO|WITHOUT|DISABLE)_(?:CUDA|GPU)$|(?:^|_)CPU_ONLY$")
_WITH_GPU = re.compile(r"^(?:\w+_)?(?:WITH|USE|ENABLE|BUILD)_(?:CUDA|GPU)$")

# Variables that say what to compile for: torch's take "9.0;10.0", those of projects "90;100".
_ARCHITECTURES = re.compile(
    r"(?:^|_)(?P<vendor>CUDA|ROCM|HIP|GPU|AMDGPU)_?(?:ARCHS?|ARCHITECTURES|TARGETS)(?P<list>_LIST)?$"
)


# Variables that say where a toolkit lies: set where there is one.
_TOOLKIT_FOLDERS = {
    "CUDA_HOME": "cuda",
    "CUDA_PATH": "cuda",
    "ROCM_HOME": "rocm",
    "ROCM_PATH": "rocm",
}
# Commands that build nothing.
_IDLE_COMMANDS = frozenset({"clean", "dist_info", "egg_info", "sdist", "--help", "--version"})
# Options that ask for less, or for something else than extensions.
_ASKS_FOR_LESS = re.compile(
    r"(?:^|[-_])(?:no|not|without|disable|skip|only|debug|help|version|clean|verbose|quiet)(?:$|[-_=])",
    re.IGNORECASE,
)


_OFF_WORDS = {"1": "0", "on": "off", "true": "false", "yes": "no"}


def _command_line() -> CommandLine:
    return CommandLine("list", [Item(Known("setup.py")), Item(Known("bdist_wheel"))])


def _is_off(default: Value) -> bool:
    return isinstance(default, Known) and str(default.value).lower() in {
        "0",
        "",
        "off",
        "false",
        "none",
        "no",
    }


def _is_on(default: Value) -> bool:
    return isinstance(default, Known) and str(default.value).lower() in _OFF_WORDS


def _switched_off(default: Value) -> Value:
    """Return what a variable is set to that asks for less than its default, in the same words."""
    written = str(default.value) if isinstance(default, Known) else ""
    other = _OFF_WORDS.get(written.lower(), "0")
    return Known(other.upper() if written.isupper() else other)


def _switched_on(default: Value) -> Value:
    """Return what a variable is set to that asks for more than its default, in the same words."""
    written = str(default.value) if isinstance(default, Known) else ""
    other = {"false": "TRUE", "off": "ON", "no": "yes"}.get(written.lower(), "1")
    return Known(other if written.isupper() else other.lower())


@fact
class World:
    """The machine of one platform's build: Linux, current tools, no variables of its own set.

    Attributes:
        is_eager: variables and options that ask for extensions, off by default, are set.
        switches: those variables and options, as the build asked for them; and
        options: the options among them.
        of_programs: the variables that ask a program for what it compiles.
        versions: the versions that the build asked for.
        given: the variables that the build itself sets.
        is_dated: torch is of some older release, which the script asks for.
    """

    platform: Platform
    is_eager: bool = False
    is_dated: bool = False
    switches: set[str] = field(default_factory=set)
    options: set[str] = field(default_factory=set)
    of_programs: set[str] = field(default_factory=set)
    versions: set[str] = field(default_factory=set)
    given: dict[str, Value] = field(default_factory=dict)
    command_line: CommandLine = field(default_factory=_command_line)

    @property
    def is_gpu(self) -> bool:
        """Return whether torch's `cuda` device works here."""
        return self.platform.name in {"cuda", "rocm"}

    def importable(self, module: str) -> Truth:
        """Return whether a module from outside the tree can be imported."""
        top = module.partition(".")[0]
        if top in _PRESENT:
            return Truth.TRUE
        vendor = _VENDOR_PACKAGES.get(top)
        match = _VENDOR_TORCH.match(top)
        if vendor is None and match and match[1] in _DEVICES:
            vendor = match[1]
        return Truth.UNKNOWN if vendor is None else truth_of(vendor == self.platform.name)

    def variable(self, name: str, default: Value) -> Value:
        """Return an environment variable: unset, unless it forces this very platform."""
        if name in self.given:
            return self.given[name]
        if _TOOLKIT_FOLDERS.get(name) == self.platform.name:
            return Known(f"/usr/local/{name.partition('_')[0].lower()}")
        match = _FORCED.match(name)
        if match and match["name"].lower() == self.platform.name:
            return Known("1")
        if self.platform.name == "cpu":
            if _WITHOUT_GPU.search(name) and _is_off(default):
                return _switched_on(default)
            if _WITH_GPU.match(name) and _is_on(default):
                return _switched_off(default)
        if not match and _SWITCH.search(name) and _is_off(default):
            self.switches.add(name)
            return _switched_on(default) if self.is_eager else default
        if _SWITCH_OF_A_PROGRAM.search(name) and _is_off(default):
            self.of_programs.add(name)
            return _switched_on(default) if self.is_eager else default
        return self._architectures(name) or default

    def option(self, text: str) -> Truth:
        """Return whether the command line has a word: a command, or an option that is not given."""
        if not text.startswith("-"):
            return Truth.FALSE if text in _IDLE_COMMANDS else Truth.UNKNOWN
        if _ASKS_FOR_LESS.search(text):
            return Truth.FALSE
        self.switches.add(text)
        self.options.add(text)
        return truth_of(self.is_eager)

    def _architectures(self, name: str) -> Value | None:
        """Return what a variable that lists architectures holds, where some were asked for."""
        match = _ARCHITECTURES.search(name)
        asked = self.platform.architectures
        if not match or not asked or not self.is_gpu:
            return None
        is_cuda = self.platform.name == "cuda"
        if match["vendor"] != "GPU" and is_cuda != (match["vendor"] == "CUDA"):
            return None
        plain = [each.replace(".", "") for each in asked] if not match["list"] else asked
        return Known(";".join(plain if is_cuda else asked))

    def attribute(self, name: str) -> Value:
        """Return what a dotted name outside the tree stands for on this platform."""
        toolkit = _CPP_EXTENSION.match(name)
        if toolkit and toolkit[1] in _TOOLKITS:
            present = self.platform.name == _TOOLKITS[toolkit[1]]
            return Unsure(toolkit[1], Truth.TRUE) if present else NONE
        if name in {"torch.version.hip", "torch.version.cuda", "torch.version.xpu"}:
            wanted = {"hip": "rocm"}.get(name.rpartition(".")[2], name.rpartition(".")[2])
            return Newest() if self.platform.name == wanted else NONE
        if name == "sys.argv":
            return self.command_line
        if name == "torch.__version__":
            self.versions.add(name)
            if self.is_dated:
                return Unsure(name)
        return _CONSTANTS.get(name, Library(name))

    def called(self, name: str) -> Value | None:
        """Return what a function outside the tree answers here; None where nobody knows."""
        match = _AVAILABLE.match(name)
        if match:
            device = (match["flat"] or match["module"]).lower()
            if device == "cuda":
                return Known(self.is_gpu)
            if device in _DEVICES:
                return Known(device == self.platform.name)
        if name == "torch.cuda.get_device_capability" and self.platform.architectures:
            return self._capability()
        if name == "torch.cuda.get_device_properties" and self.platform.architectures:
            return self._properties()
        if name == "torch.utils.cpp_extension._get_cuda_arch_flags":
            return self._flags()
        if name == "torch.cuda.device_count":
            return Unsure("devices", Truth.TRUE) if self.is_gpu else Known(0)
        return _ANSWERS.get(name)

    def _properties(self) -> Value | None:
        """Return the properties of a device of the newest architecture asked for."""
        newest = self._capability()
        if not isinstance(newest, Collection):
            return None
        major, minor = (item.value for item in newest.items)
        known: dict[str, Value] = {"major": major, "minor": minor}
        return Instance(Class("DeviceProperties", (), {}, ""), known)

    def _flags(self) -> Value | None:
        """Return torch's flags for the architectures that were asked for."""
        numbers = [each.partition("+")[0].replace(".", "") for each in self.platform.architectures]
        if self.platform.name != "cuda" or not numbers:
            return None
        flags = [f"-gencode=arch=compute_{number},code=sm_{number}" for number in numbers]
        return Collection("list", [Item(Known(flag)) for flag in flags])

    def _capability(self) -> Value | None:
        """Return the newest architecture asked for, as the machine's own device would have it."""
        parts = [each.partition(".") for each in self.platform.architectures]
        pairs = [(whole_number(major), whole_number(minor[:1] or "0")) for major, _, minor in parts]
        numbers = [(major, minor) for major, minor in pairs if None not in {major, minor}]
        if self.platform.name != "cuda" or not numbers:
            return None
        return Collection("tuple", [Item(Known(number)) for number in max(numbers)])


_CONSTANTS: dict[str, Value] = {
    "sys.platform": Known("linux"),
    "os.name": Known("posix"),
    "os.sep": Known("/"),
    "os.curdir": Known("."),
    "os.path.curdir": Known("."),
    "os.path.sep": Known("/"),
    "torch.__version__": Newest(),
    "sys.version_info": Newest(),
    "typing.TYPE_CHECKING": Known(value=False),
    "torch.utils.cpp_extension.IS_WINDOWS": Known(value=False),
    "torch.utils.cpp_extension.IS_MACOS": Known(value=False),
    "torch.utils.cpp_extension.IS_LINUX": Known(value=True),
}
_ANSWERS: dict[str, Value] = {
    "platform.system": Known("Linux"),
    "platform.machine": Known("x86_64"),
    "platform.python_version": Newest(),
}
