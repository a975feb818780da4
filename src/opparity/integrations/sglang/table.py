"""THE table: SGLang's functions that Opparity can stand for, one row each. Free of torch."""

from __future__ import annotations

from dataclasses import dataclass

TRIED: tuple[str, ...] = ("0.5.23",)
"""The versions of SGLang that `make integrations` runs the plugin in."""

_OURS = "opparity.integrations.sglang.kernels"


@dataclass(frozen=True, slots=True)
class Row:
    """One function of SGLang's.

    Attributes:
        name: in OPPARITY_SGLANG.
        module: that defines it.
        function: its name there.
        group: of SGLang's registry of kernels.
        parameters: the names of its parameters, in order; another list is another function.
        ours: the function of Opparity's kernels that takes the same arguments.
    """

    name: str
    module: str
    function: str
    group: str
    parameters: tuple[str, ...]
    ours: str

    @property
    def target(self) -> str:
        """Return the dotted path that a hook is given."""
        return f"{self.module}.{self.function}"

    @property
    def operator(self) -> str:
        """Return its name in SGLang's registry."""
        return f"{self.group}.{self.function}"

    @property
    def kernel(self) -> str:
        """Return ours as SGLang's registry spells it."""
        return f"{_OURS}:{self.ours}"


_OUTPUT = ("input", "output", "output_scale", "quant_group_size")

ROWS: tuple[Row, ...] = (
    Row(
        "masked",
        "sglang.kernels.ops.moe.dsv4",
        "silu_and_mul_masked_post_quant",
        "moe",
        (*_OUTPUT, "masked_m", "scale_ue8m0", "topk", "transposed", "swiglu_limit", "swizzle"),
        "silu_and_mul_masked",
    ),
    Row(
        "contiguous",
        "sglang.kernels.ops.activation.silu_and_mul_clamp",
        "silu_and_mul_contig_post_quant",
        "activation",
        (*_OUTPUT, "scale_ue8m0", "transposed", "swiglu_limit", "swizzle"),
        "silu_and_mul_contiguous",
    ),
    Row(
        "group",
        "sglang.kernels.ops.quantization.per_token_group_quant",
        "per_token_group_quant",
        "quantization",
        (
            *("input", "output_q", "output_s", "group_size", "scale_ue8m0", "fuse_silu_and_mul"),
            *("masked_m", "expected_m", "out_dtype", "column_major_scales", "sorted_token_ids"),
            *("num_tokens_post_padded", "num_valid_tokens", "silu_and_mul_mode"),
        ),
        "per_token_group",
    ),
)
