"""Stand-ins for what vLLM's kernel tests import of vLLM and cannot have without its dependencies.

vLLM's own modules are loaded from the unpacked sdist wherever they load. Three things are ours:
the packages whose __init__ brings in all of vLLM, which stay empty here; the few modules with a
behaviour that the tests need, such as the platform and the configuration; and hollow modules,
whose names exist and raise when they are called.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.machinery
import logging
import sys
from dataclasses import dataclass, field
from enum import IntEnum
from importlib.abc import Loader, MetaPathFinder
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

# Packages without their __init__, which brings in all of vLLM: their other modules are vLLM's.
_EMPTY = (
    "vllm",
    "vllm.distributed",
    "vllm.model_executor",
    "vllm.model_executor.layers",
    "vllm.model_executor.layers.quantization",
    "vllm.model_executor.layers.quantization.utils",
    "vllm.model_executor.models",
    "vllm.utils",
    "vllm.v1",
    "vllm.v1.attention",
    "vllm.v1.attention.backends",
    "tests",
    "tests.kernels",
)

# Modules whose names raise when they are called.
_HOLLOW = (
    "vllm.distributed.parallel_state",
    "vllm.forward_context",
    "vllm.model_executor.layers.fused_moe",
    "vllm.model_executor.layers.fused_moe.config",
    "vllm.model_executor.layers.fused_moe.modular_kernel",
    "vllm.model_executor.layers.fused_moe.topk_weight_and_reduce",
    "vllm.model_executor.layers.fused_moe.utils",
    "vllm.model_executor.layers.linear",
    "vllm.model_executor.models.utils",
    "vllm.model_executor.parameter",
    "vllm.utils.flashinfer",
    "vllm.v1.attention.backends.registry",
)


def install(source: Path) -> None:
    """Let `vllm` and `tests` come from an unpacked sdist, with these stand-ins before it."""
    sys.meta_path.insert(0, _Finder(source))
    # The packages look further for what torch and Triton themselves import.
    sys.path.append(str(source))


def hollow_names_met() -> list[str]:
    """Return the names of hollow modules that somebody asked for."""
    return sorted(_Hollow.met)


class _Finder(MetaPathFinder):
    def __init__(self, source: Path) -> None:
        self._source = source

    def find_spec(
        self, name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        is_made = name in _WITH_BEHAVIOUR or name in _HOLLOW
        if not is_made and name not in _EMPTY:
            return None
        spec = importlib.machinery.ModuleSpec(name, _Maker() if is_made else None)
        spec.submodule_search_locations = [str(self._source.joinpath(*name.split(".")))]
        return spec


class _Maker(Loader):
    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return _Hollow(spec.name) if spec.name in _HOLLOW else ModuleType(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        fill = _WITH_BEHAVIOUR.get(module.__name__)
        if fill is not None:
            fill(module)


class _Hollow(ModuleType):
    """A module in which every name is a class that cannot be made."""

    met: set[str] = set()  # noqa: RUF012 -- one list for all of them

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 -- whatever was asked for
        if name.startswith("__"):
            raise AttributeError(name)
        full_name = f"{self.__name__}.{name}"
        _Hollow.met.add(full_name)
        made = _HollowType(name, (), {"__module__": self.__name__})
        setattr(self, name, made)
        return made


class _HollowType(type):
    """A name's type: usable as a base and in annotations, and refusing calls in words."""

    def __call__(cls, *_: object, **__: object) -> object:
        pytest.skip(f"needs {cls.__module__}.{cls.__name__}, which has no stand-in")

    def __getattr__(cls, name: str) -> Any:  # noqa: ANN401 -- whatever was asked for
        if name.startswith("__"):
            raise AttributeError(name)
        return _HollowType(f"{cls.__name__}.{name}", (), {"__module__": cls.__module__})


class CompilationMode(IntEnum):
    """vllm.config.compilation's."""

    NONE = 0
    STOCK_TORCH_COMPILE = 1
    DYNAMO_TRACE_ONCE = 2
    VLLM_COMPILE = 3


class OptimizationLevel(IntEnum):
    """vllm.config.vllm's."""

    O0 = 0
    O1 = 1
    O2 = 2
    O3 = 3


@dataclass
class CompilationConfig:
    """What vLLM's CustomOp asks of its configuration."""

    custom_ops: list[str] = field(default_factory=list)
    mode: CompilationMode | None = None
    backend: str = "inductor"
    enabled_custom_ops: set[str] = field(default_factory=set)
    disabled_custom_ops: set[str] = field(default_factory=set)


@dataclass
class VllmConfig:
    """A configuration, with vLLM's defaults for its optimisation level."""

    optimization_level: OptimizationLevel = OptimizationLevel.O2
    compilation_config: CompilationConfig = field(default_factory=CompilationConfig)

    def __post_init__(self) -> None:
        compiles = self.optimization_level > OptimizationLevel.O0
        config = self.compilation_config
        if config.mode is None:
            config.mode = CompilationMode.VLLM_COMPILE if compiles else CompilationMode.NONE
        if not {"all", "none"} & set(config.custom_ops):
            config.custom_ops.append("none" if compiles else "all")


_configs: list[VllmConfig] = []


@contextlib.contextmanager
def set_current_vllm_config(config: VllmConfig, **_: object) -> Iterator[None]:
    """Make a configuration the current one."""
    _configs.append(config)
    try:
        yield
    finally:
        _configs.pop()


def _current_config() -> VllmConfig:
    # Outside of a configuration vLLM warns and takes the default one.
    return _configs[-1] if _configs else VllmConfig()


def _config(module: ModuleType) -> None:
    module.__dict__.update(
        CompilationConfig=CompilationConfig,
        CompilationMode=CompilationMode,
        OptimizationLevel=OptimizationLevel,
        VllmConfig=VllmConfig,
        get_cached_compilation_config=lambda: _current_config().compilation_config,
        get_current_vllm_config=_current_config,
        set_current_vllm_config=set_current_vllm_config,
    )


def _platforms(module: ModuleType) -> None:
    """Answer as vLLM's platform for NVIDIA does, with torch in the place of NVML."""
    interface: Any = importlib.import_module("vllm.platforms.interface")

    class Platform(interface.Platform):  # type: ignore[misc] # from the sdist
        _enum = interface.PlatformEnum.CUDA
        device_name = device_type = "cuda"
        dispatch_key = "CUDA"

        @classmethod
        def get_device_capability(cls, device_id: int = 0) -> object:
            if not torch.cuda.is_available():
                return interface.DeviceCapability(9, 0)
            return interface.DeviceCapability(*torch.cuda.get_device_capability(device_id))

        @classmethod
        def import_kernels(cls) -> None:
            """Load nothing: vLLM's own kernels are not here."""

        @classmethod
        def manual_seed_all(cls, seed: int) -> None:
            torch.cuda.manual_seed_all(seed)

        @classmethod
        def support_deep_gemm(cls) -> bool:
            return bool(cls.is_device_capability(90))

    module.__dict__.update(
        CpuArchEnum=interface.CpuArchEnum,
        Platform=interface.Platform,
        PlatformEnum=interface.PlatformEnum,
        current_platform=Platform(),
        vllm_version_matches_substr=lambda _: False,
    )


def _test_utils(module: ModuleType) -> None:
    """The one name of vLLM's tests/utils.py that these tests import."""

    def large_gpu_test(*, min_gb: int) -> pytest.MarkDecorator:
        memory = 0
        if torch.cuda.is_available():
            memory = torch.cuda.get_device_properties(0).total_memory >> 30
        return pytest.mark.skipif(memory < min_gb, reason=f"needs a GPU of {min_gb} GiB")

    module.__dict__.update(large_gpu_test=large_gpu_test)


def _aiter(module: ModuleType) -> None:
    """AMD's library is not here."""

    class NoAiter:
        def __getattr__(self, name: str) -> Callable[[], bool]:
            if not name.startswith("is_"):
                raise AttributeError(name)
            return lambda: False

    module.__dict__.update(rocm_aiter_ops=NoAiter())


def _logger(module: ModuleType) -> None:
    def init_logger(name: str) -> logging.Logger:
        made = logging.getLogger(name)
        for level in ("debug", "info", "warning"):
            setattr(made, f"{level}_once", getattr(made, level))
        return made

    module.__dict__.update(init_logger=init_logger, logger=init_logger("vllm"))


_WITH_BEHAVIOUR: dict[str, Callable[[ModuleType], None]] = {
    "tests.utils": _test_utils,
    "vllm._aiter_ops": _aiter,
    "vllm.config": _config,
    "vllm.config.compilation": _config,
    "vllm.config.vllm": _config,
    "vllm.logger": _logger,
    "vllm.platforms": _platforms,
}
