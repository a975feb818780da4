"""Other people's operators: those that are installed, and those that the user names."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from opparity.errors import PeerRefused
from opparity.formats import ScaleLayout, ScaleRule

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

    from opparity.benchmark.workload import Workload


@dataclass(frozen=True, slots=True)
class Peer:
    """A function of values, input, scales and the row, which writes to values and scales."""

    name: str
    function: Callable[..., object]


@dataclass(frozen=True, slots=True)
class Difference:
    """How far a peer's output is from Opparity's, by its bytes.

    Attributes:
        share: of the elements that differ, by output.
    """

    share: Mapping[str, float]

    def words(self) -> str:
        """Return the shares as text."""
        return ", ".join(f"{share:.3%} of {name}" for name, share in self.share.items())


def load_peer(reference: str) -> Peer:
    """Return what "module:function" names.

    Raises:
        PeerRefused: where there is none.
    """
    module_name, colon, function_name = reference.partition(":")
    if not (module_name and colon and function_name):
        raise PeerRefused(peer=reference, reason="it is not of the form module:function")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise PeerRefused(
            peer=reference, reason=f"{module_name} is not imported: {error}"
        ) from error
    function = getattr(module, function_name, None)
    if not callable(function):
        reason = f"{module_name} has no function {function_name}"
        raise PeerRefused(peer=reference, reason=reason)
    return Peer(reference, function)


def vllm_cuda(values: Tensor, input: Tensor, scales: Tensor, workload: Workload) -> None:
    """Call the operator that vLLM's own extension registers."""
    recipe = workload.recipe
    if workload.producer != "silu_and_mul" or recipe.rule is not ScaleRule.AMAX:
        message = "vLLM's silu_and_mul_per_block_quant has no such row"
        raise NotImplementedError(message)
    transposed = recipe.layout is not ScaleLayout.ROW_MAJOR
    operator = torch.ops._C.silu_and_mul_per_block_quant  # noqa: SLF001
    operator(values, input, scales, recipe.group_size, None, transposed)


# name -> the module that must import, and the function.
INSTALLED: Mapping[str, tuple[str, Callable[..., object]]] = {
    "vllm": ("vllm._C", vllm_cuda),
}
REFUSED: Mapping[str, str] = {
    "flashinfer": "it is called by nothing here; name a function with --peer",
    # per_token_group_quant_8bit_v2.cu passes the flag on under column-major UE8M0 scales alone.
    "sglang": "sgl_kernel drops its fused SiLU under float32 scales; name another with --peer",
}


def installed_peers() -> tuple[list[Peer], dict[str, str]]:
    """Return the peers whose packages import here, and name -> reason for the others."""
    peers, refused = [], dict(REFUSED)
    for name, (module, function) in INSTALLED.items():
        try:
            importlib.import_module(module)
        except ImportError as error:
            refused[name] = f"{module} is not imported: {error}"
        else:
            peers.append(Peer(name, function))
    return peers, refused


def difference(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor]) -> Difference:
    """Compare outputs element by element; a NaN equals a NaN of the same bits alone."""
    shares = {}
    for name, tensor in ours.items():
        width = {1: torch.uint8, 2: torch.int16, 4: torch.int32}[tensor.element_size()]
        mine, other = tensor.contiguous().view(width), theirs[name].contiguous().view(width)
        shares[name] = (mine != other).double().mean().item()
    return Difference(shares)
