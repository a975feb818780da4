"""Which names are slips of one another, and which are words of their own."""

from __future__ import annotations

import pytest

from opparity.checker.analysis.spelling import Spellings, is_slip, odd_words

SLIPS = (
    *("WITH_CDUA WITH_CUDA", "ENABEL_BF16 ENABLE_BF16", "forwrd_pass forward_pass"),
    *("forwward_pass forward_pass", "froward_affine forward_affine", "USE_ROCCM_X USE_ROCM_X"),
    *("layer_nrom layer_norm", "quant_tokn_max quant_token_max"),
)
OWN_WORDS = (
    *("WITH_CUDA WITH_CUDA", "SM80_ON SM90_ON", "op_add op_adds", "F16_KERNEL BF16_KERNEL"),
    *("scale scales", "abcd abdc", "kernel_12 kernel_21", "forward backward", "ab_norm abc_norm"),
    *("some_kernel some_kernels_x", "layer_mnor layer_norm", "x1y_kernel xy_kernel"),
)


@pytest.mark.parametrize("pair", SLIPS)
def test_exchanged_doubled_and_lost_letters_are_slips_both_ways(pair: str) -> None:
    written, meant = pair.split()
    assert is_slip(written, meant)
    assert is_slip(meant, written)


@pytest.mark.parametrize("pair", OWN_WORDS)
def test_numbers_ends_of_words_and_short_names_are_no_slips(pair: str) -> None:
    written, meant = pair.split()
    assert not is_slip(written, meant)
    assert not is_slip(meant, written)


def test_what_may_be_meant_begins_alike_and_comes_in_order() -> None:
    known = Spellings(["forward_pass", "foward_pass", "orward_pass", "other", "forwad_pass"])
    assert known.slips_of("forwward_pass") == ["forward_pass"]
    assert known.slips_of("forward_pass") == ["forwad_pass", "foward_pass"]
    assert known.slips_of("something") == []


def test_odd_words_are_those_of_one_name_alone() -> None:
    assert odd_words("WITH_CDUA_12", "WITH_CUDA_12") == {"CDUA"}
    assert odd_words("ENABLE", "ENABLE") == frozenset()
