"""The platform table: where an operator can exist, and what differs between the places."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Platform(StrEnum):
    """A place where an operator can exist."""

    CUDA = "cuda"
    ROCM = "rocm"
    CPU = "cpu"


@dataclass(frozen=True, slots=True)
class PlatformFacts:
    """What the rest of the package needs to know of a platform.

    Attributes:
        dispatch_key: torch's dispatch key; ROCm builds of torch use CUDA's.
        device_type: the device type of tensors there.
    """

    dispatch_key: str
    device_type: str


PLATFORMS: dict[Platform, PlatformFacts] = {
    Platform.CUDA: PlatformFacts(dispatch_key="CUDA", device_type="cuda"),
    Platform.ROCM: PlatformFacts(dispatch_key="CUDA", device_type="cuda"),
    Platform.CPU: PlatformFacts(dispatch_key="CPU", device_type="cpu"),
}
