"""The plugin in SGLang's stand-in: the hooks' bytes, what they leave alone, what is refused."""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING, Any

import pytest
import torch

import opparity
from opparity.errors import PluginRefused
from opparity.integrations.sglang import calls, register
from opparity.integrations.sglang.settings import Settings
from opparity.integrations.sglang.table import ROWS

if TYPE_CHECKING:
    from torch import Tensor

EXPERTS, TOKENS, WIDTH = 3, 8, 512
COUNTS = (5, 0, 8)
UNTOUCHED = 64.0


def hooked(registry: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:  # noqa: ANN401
    """Return the modules of SGLang's functions, hooked."""
    monkeypatch.setenv("OPPARITY_SGLANG", "all")
    register()
    registry.HookRegistry.apply_hooks()
    return {row.name: importlib.import_module(row.module) for row in ROWS}


def imported(name: str) -> Any:  # noqa: ANN401 -- a module of the stand-in
    return importlib.import_module(name)


def drawn(*shape: int) -> Tensor:
    torch.manual_seed(0)
    made: Tensor = torch.randn(*shape, dtype=torch.bfloat16) * 3
    return made


def codes(values: Tensor) -> Tensor:
    return values.view(torch.uint8)


@pytest.mark.parametrize("limit", [None, 2.5])
@pytest.mark.parametrize("packed", [False, True])
def test_masked_rows_have_our_bytes_and_no_others_are_touched(
    sglang: Any,  # noqa: ANN401 -- a module
    monkeypatch: pytest.MonkeyPatch,
    limit: float | None,
    packed: bool,
) -> None:
    function = hooked(sglang, monkeypatch)["masked"].silu_and_mul_masked_post_quant
    x = drawn(EXPERTS, TOKENS, 2 * WIDTH)
    output = torch.full((EXPERTS, TOKENS, WIDTH), UNTOUCHED).to(torch.float8_e4m3fn)
    groups = WIDTH // 128
    if packed:
        scales = torch.full((EXPERTS, groups // 4, TOKENS), 7, dtype=torch.int32)
    else:
        scales = torch.full((EXPERTS, TOKENS, groups), UNTOUCHED)
    counts = torch.tensor(COUNTS, dtype=torch.int32)
    function(x, output, scales, 128, counts, packed, 2, packed, limit)
    assert calls() == {"masked": 1}
    recipe = "deepgemm" if packed else "fp8_block"
    for expert, count in enumerate(COUNTS):
        if limit is None:
            exact = opparity.silu_and_mul(x[expert], recipe)
        else:
            exact = opparity.silu_and_mul_with_clamp(x[expert], recipe, limit=limit)
        found = scales[expert].t() if packed else scales[expert]
        assert torch.equal(codes(output[expert, :count]), codes(exact.values[:count]))
        assert torch.equal(found[:count], exact.scales[:count])
        assert bool((output[expert, count:].float() == UNTOUCHED).all())
        assert bool((found[count:] == (7 if packed else UNTOUCHED)).all())


@pytest.mark.parametrize("packed", [False, True])
def test_contiguous_rows_have_our_bytes(
    sglang: Any,  # noqa: ANN401 -- a module
    monkeypatch: pytest.MonkeyPatch,
    packed: bool,
) -> None:
    function = hooked(sglang, monkeypatch)["contiguous"].silu_and_mul_contig_post_quant
    x = drawn(6, 2 * WIDTH)
    output = torch.empty(6, WIDTH, dtype=torch.float8_e4m3fn)
    scales = torch.empty(6, 4)
    if packed:
        scales = torch.empty_strided((6, 1), (1, 8), dtype=torch.int32)
    function(x, output, scales, 128, packed, packed, 2.5)
    exact = opparity.silu_and_mul_with_clamp(x, "deepgemm" if packed else "fp8_block", limit=2.5)
    assert torch.equal(codes(output), codes(exact.values))
    assert torch.equal(scales, exact.scales)
    assert calls() == {"contiguous": 1}


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize(
    ("column_major", "packed", "recipe"),
    [
        (False, False, "float8_e4m3fn/64/float32/amax/row_major"),
        (True, False, "float8_e4m3fn/64/float32/amax/column_major_padded"),
        (True, True, "float8_e4m3fn/64/float8_e8m0fnu/ceil/packed"),
    ],
)
def test_groups_are_quantised_into_new_tensors_and_given_ones(
    sglang: Any,  # noqa: ANN401 -- a module
    monkeypatch: pytest.MonkeyPatch,
    fused: bool,
    column_major: bool,
    packed: bool,
    recipe: str,
) -> None:
    function = hooked(sglang, monkeypatch)["group"].per_token_group_quant
    x = drawn(6, WIDTH)
    exact = (opparity.silu_and_mul if fused else opparity.quantize)(x, recipe)
    values, scales = function(
        x,
        group_size=64,
        scale_ue8m0=packed,
        fuse_silu_and_mul=fused,
        column_major_scales=column_major,
    )
    assert torch.equal(codes(values), codes(exact.values))
    assert torch.equal(scales, exact.scales)
    assert scales.stride() == exact.scales.stride()
    values.view(torch.uint8).zero_()
    scales.zero_()
    given = function(x, values, scales, 64, packed, fused)
    assert given[0] is values
    assert given[1] is scales
    assert torch.equal(codes(values), codes(exact.values))
    assert torch.equal(scales, exact.scales)
    assert calls() == {"group": 2}


def test_masked_groups_touch_the_valid_rows_alone(
    sglang: Any,  # noqa: ANN401 -- a module
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    function = hooked(sglang, monkeypatch)["group"].per_token_group_quant
    x = drawn(EXPERTS, TOKENS, 2 * WIDTH)
    values = torch.full((EXPERTS, TOKENS, WIDTH), UNTOUCHED).to(torch.float8_e4m3fn)
    scales = torch.full((EXPERTS, 4, TOKENS), UNTOUCHED).transpose(1, 2)
    counts = torch.tensor(COUNTS, dtype=torch.int32)
    function(x, values, scales, 128, False, True, counts, 4)
    for expert, count in enumerate(COUNTS):
        exact = opparity.silu_and_mul(x[expert], "fp8_block")
        assert torch.equal(codes(values[expert, :count]), codes(exact.values[:count]))
        assert torch.equal(scales[expert, :count], exact.scales[:count])
        assert bool((values[expert, count:].float() == UNTOUCHED).all())
        assert bool((scales[expert, count:] == UNTOUCHED).all())


def test_what_is_not_taken_is_left_to_sglang_and_said_once(
    sglang: Any,  # noqa: ANN401 -- a module
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    modules = hooked(sglang, monkeypatch)
    x = drawn(EXPERTS, TOKENS, 2 * WIDTH)
    output = torch.empty(EXPERTS, TOKENS, WIDTH, dtype=torch.float8_e4m3fn)
    scales, counts = torch.empty(EXPERTS, TOKENS, 4), torch.zeros(EXPERTS, dtype=torch.int32)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            modules["masked"].silu_and_mul_masked_post_quant(
                x, output, scales, 128, counts, swizzle=True, topk=4, swiglu_limit=1.5
            )
        modules["contiguous"].silu_and_mul_contig_post_quant(
            x[0], output[0], scales[0], 128, scale_ue8m0=True
        )
        modules["group"].per_token_group_quant(
            x, out_dtype=torch.int8, num_valid_tokens=3, silu_and_mul_mode="dense"
        )
    assert modules["masked"].calls == [(128, False, 4, False, 1.5, True)] * 2
    assert modules["contiguous"].calls == [(128, True, False, None, False)]
    assert modules["group"].calls == [(torch.int8, None, 3, "dense")]
    assert calls() == {}
    assert [record.getMessage() for record in caplog.records] == [
        f"Opparity: {name} is left to SGLang's own kernel: {reason}"
        for name, reason in (
            ("masked", "gate and up alternate in pieces of eight columns"),
            ("contiguous", "scales are torch.float32 with UE8M0 True and transposed False"),
            ("group", "values are torch.int8"),
        )
    ]


def test_kernels_are_registered_and_nothing_is_replaced_unasked(sglang: Any) -> None:  # noqa: ANN401
    register()
    register()
    sglang.HookRegistry.apply_hooks()
    registered = importlib.import_module("sglang.kernels").registered
    assert [spec.op for spec in registered] == [
        "moe.silu_and_mul_masked_post_quant",
        "activation.silu_and_mul_contig_post_quant",
        "quantization.per_token_group_quant",
    ]
    for spec in registered:
        module, _, name = spec.target.partition(":")
        assert callable(getattr(importlib.import_module(module), name))
    own = importlib.import_module("sglang.kernels.ops.moe.dsv4").silu_and_mul_masked_post_quant
    assert own.__module__ == "sglang.kernels.ops.moe.dsv4"


@pytest.mark.parametrize("asked", [True, False])
def test_another_version_is_said_where_sglang_would_only_log_it(
    sglang: Any,  # noqa: ANN401 -- a module
    monkeypatch: pytest.MonkeyPatch,
    asked: bool,
) -> None:
    imported("sglang.version").__version__ = "0.6.0"
    if asked:
        monkeypatch.setenv("OPPARITY_SGLANG", "group")
        with pytest.raises(SystemExit, match=r"this is SGLang 0\.6\.0, .* OPPARITY_SGLANG=off"):
            register()
    else:
        with pytest.warns(UserWarning, match=r"this is SGLang 0\.6\.0, .*nothing was installed"):
            register()
    assert not importlib.import_module("sglang.kernels").registered
    assert not sglang.HookRegistry._hooks


def test_other_parameters_are_another_function(
    sglang: Any,  # noqa: ANN401 -- a module
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = imported("sglang.kernels.ops.moe.dsv4")
    module.silu_and_mul_masked_post_quant = lambda input, output: None  # noqa: ARG005
    monkeypatch.setenv("OPPARITY_SGLANG", "group,masked")
    with pytest.raises(SystemExit, match=r"takes input, output, and Opparity's function input, "):
        register()
    assert not importlib.import_module("sglang.kernels").registered
    assert not sglang.HookRegistry._hooks


@pytest.mark.parametrize("text", ["mask", "all,masked", "off,group"])
def test_names_that_nobody_knows_are_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("OPPARITY_SGLANG", text)
    with pytest.raises(PluginRefused, match=r"allowed: off; all; or some of masked, contiguous"):
        Settings.from_environment()
    with pytest.raises(SystemExit, match="OPPARITY_SGLANG is"):
        register()


def test_off_is_off(sglang: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ANN401
    monkeypatch.setenv("OPPARITY_SGLANG", "off")
    register()
    assert not importlib.import_module("sglang.kernels").registered
    assert not sglang.HookRegistry._hooks
