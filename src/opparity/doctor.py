"""`opparity doctor`: which implementations serve the operators here, and why not the others."""

from __future__ import annotations

import json
import platform as host
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import opparity
from opparity import faults
from opparity.errors import NamespaceTaken, TorchNameMissing
from opparity.integrations.vllm import examination as vllm
from opparity.operators import IMPLEMENTATIONS, OPERATORS
from opparity.packages import objection, version_of
from opparity.platforms import Platform

if TYPE_CHECKING:
    from opparity.integrations.vllm.examination import VllmExamination
    from opparity.nn.examination import ProductRow


@dataclass(frozen=True, slots=True)
class Row:
    """One implementation on one platform; it serves every operator or none."""

    platform: str
    provider: str
    status: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Examination:
    """What was found on this machine.

    Attributes:
        versions: of each package that matters; None where it is not installed.
        devices: the CPU with the capability that kernels use, and each GPU.
        compiler: which one makes GPU kernels, with what the first took; or why there is none.
        operators: their names in torch.ops.opparity.
        rows: every implementation; status "selected", "available" or "refused".
        products: of quantised matrices, for opparity.nn's linear modules; none where these cannot
            be had.
        no_products: why there are none, or None.
        vllm: what the plugin would do in this environment's vLLM; None where there is none.
        faults: what is wrong with the installation, each with what to do.
    """

    versions: dict[str, str | None]
    devices: tuple[str, ...]
    compiler: str
    operators: tuple[str, ...]
    rows: tuple[Row, ...]
    products: tuple[ProductRow, ...] = ()
    no_products: str | None = None
    vllm: VllmExamination | None = None
    faults: tuple[str, ...] = ()

    def to_json(self) -> str:
        """Return the examination as JSON, `"schema_version": 2`."""
        return json.dumps({"schema_version": 2, **asdict(self)}, indent=2)


def examine() -> Examination:
    """Look at this machine; a package or device that is absent or broken is told and no failure."""
    versions: dict[str, str | None] = {
        "opparity": opparity.__version__,
        "python": host.python_version(),
    }
    packages = ("torch", "numpy", "transformers", "vllm", "sglang")
    versions |= {name: version_of(name) for name in packages}
    names = tuple(dict.fromkeys(operator.name for operator in OPERATORS))
    reason = objection("torch") or _registration()
    if reason is not None:
        rows = tuple(
            Row(platform, implementation.provider, "refused", reason)
            for platform in Platform
            for implementation in IMPLEMENTATIONS
            if platform in implementation.platforms
        )
        # The reason may be one of the faults.
        found = tuple(dict.fromkeys((reason, *faults.find(is_registered=False))))
        machine = (host.machine(),)
        compiler = f"none: {reason}"
        return Examination(
            versions, machine, compiler, names, rows, no_products=reason, faults=found
        )
    devices, (compiler, fault) = _devices(), _compiler()
    found = (*faults.find(is_registered=True), *([fault] if fault else []))
    return Examination(
        versions, devices, compiler, names, tuple(_rows()), *_products(), vllm.examine(), found
    )


def _registration() -> str | None:
    """Register the operators; return why that cannot be done."""
    try:
        from opparity.operators import registration  # noqa: PLC0415 -- it needs torch

        registration.load()
    except (NamespaceTaken, TorchNameMissing) as error:
        return str(error)
    return None


def _rows() -> list[Row]:
    from opparity.operators import torch_build  # noqa: PLC0415 -- it needs torch
    from opparity.operators.selection import Refused, decisions  # noqa: PLC0415

    rows = []
    for platform in Platform:
        selected, absence = False, torch_build.no_device(platform)
        for decision in decisions(platform):
            implementation = decision.implementation
            if platform not in implementation.platforms:
                continue
            if isinstance(decision, Refused):
                status, reason = "refused", decision.reason
            elif absence is not None:
                status, reason = "refused", absence
            else:
                status, reason = ("available" if selected else "selected"), None
                selected = True
            rows.append(Row(platform, implementation.provider, status, reason))
    return rows


def _products() -> tuple[tuple[ProductRow, ...], str | None]:
    """Return the products of quantised matrices, or why there are none."""
    try:
        from opparity.nn import examination  # noqa: PLC0415 -- it needs torch
    except TorchNameMissing as error:
        return (), str(error)
    return examination.examine(), None


def _devices() -> tuple[str, ...]:
    import torch  # noqa: PLC0415 -- doctor runs without it

    from opparity.operators import native_library  # noqa: PLC0415

    refusal = native_library.load()
    kernels = "no native kernels"
    if refusal is None:
        kernels = f"{torch.ops.opparity.cpu_capability()} kernels"
        file = native_library.path()
        if file is not None and not native_library.is_recorded(file):
            kernels += ", not compared with what the build wrote: no record lies beside the library"
    devices = [f"{host.machine()} CPU, {torch.get_num_threads()} threads, {kernels}"]
    if not torch.cuda.is_available():
        return (*devices, f"no GPU: torch.cuda.is_available() is False{_why_no_gpu()}")
    for index in range(torch.cuda.device_count()):
        try:
            properties = torch.cuda.get_device_properties(index)
        except RuntimeError as error:
            devices.append(f"GPU {index} does not answer: {error}")
            continue
        architecture = (
            properties.gcnArchName
            if torch.version.hip is not None
            else f"sm_{properties.major}{properties.minor}"
        )
        memory = properties.total_memory / 2**30
        devices.append(f"{properties.name}, {architecture}, {memory:.0f} GiB")
    return tuple(devices)


def _why_no_gpu() -> str:
    """Return what torch says of the driver, where it is built for a GPU."""
    import torch  # noqa: PLC0415 -- doctor runs without it

    from opparity.operators import torch_build  # noqa: PLC0415

    if torch_build.gpu_platform() is None:
        return ""
    try:
        torch.cuda.init()
    except (RuntimeError, AssertionError) as error:
        return f": {error}"
    return ""


def _compiler() -> tuple[str, str | None]:
    """Return which compiler makes GPU kernels, what one takes on a GPU, and what fails there."""
    import torch  # noqa: PLC0415 -- doctor runs without it

    from opparity.operators import functions, native_library, torch_build  # noqa: PLC0415

    refusal = native_library.load()
    if refusal is not None:
        return f"none: {refusal}", None
    has_gpu = torch.cuda.is_available()
    try:
        found = str(torch.ops.opparity.gpu_compiler())
    except RuntimeError as error:
        if torch_build.gpu_platform() is None:
            without = f"torch {torch.__version__} is built for CPUs alone"
            return f"none: {without}, which need none", None
        return f"none: {error}", str(error) if has_gpu else None
    if not has_gpu or torch.cuda.device_count() == 0:
        return found, None
    try:
        functions.quantize(torch.zeros(1, 128, device="cuda"), "fp8_block")
    except RuntimeError as error:
        fault = f"a kernel fails: {error}"
        return f"{found}; {fault}", fault
    if torch.ops.opparity.compiled_kernels() == 0:
        return f"{found}; another implementation serves", None
    seconds = torch.ops.opparity.compile_seconds()
    return f"{found}; its first kernel took {seconds:.2f} s", None
