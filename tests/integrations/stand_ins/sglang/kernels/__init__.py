from dataclasses import dataclass
from enum import StrEnum


class KernelBackend(StrEnum):
    PLUGIN = "plugin"


@dataclass(frozen=True)
class KernelSpec:
    op: str
    backend: KernelBackend
    target: str


registered: list[KernelSpec] = []


def register_kernel(spec: KernelSpec) -> KernelSpec:
    registered.append(spec)
    return spec
