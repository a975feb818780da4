"""Which names are slips of one another, and which are words of their own."""

from __future__ import annotations

import pytest

from opparity.checker.analysis.spelling import (
    Spellings,
    is_near,
    is_near_number,
    is_one_letter_longer,
    is_one_letter_off,
    is_slip,
    lacks_a_digit,
    odd_words,
)

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


@pytest.mark.parametrize(
    "pair", ["ENABEL_SM90 ENABLE_SM90", "WITH_FATS WITH_FAST", "USE_CUD_FP8 USE_CUDA_FP8"]
)
def test_where_two_names_are_known_to_be_one_any_place_may_have_the_slip(pair: str) -> None:
    written, meant = pair.split()
    assert is_near(written, meant)
    assert is_near(meant, written)


@pytest.mark.parametrize(
    "pair",
    ["ENABLE_SM90A ENABLE_SM90", "USE_BF16 USE_F16", "USE_SM09 USE_SM90", "WITH_PF8 WITH_FP8"],
)
def test_words_with_digits_are_words_of_their_own(pair: str) -> None:
    written, meant = pair.split()
    assert not is_near(written, meant)
    assert not is_near(meant, written)


@pytest.mark.parametrize("pair", ["WITH_F8 WITH_FP8", "WITH_PF8 WITH_FP8", "WITH_F1P6 WITH_FP16"])
def test_beside_a_name_that_is_somebodys_a_word_with_a_digit_may_have_a_slip(pair: str) -> None:
    assert is_near_number(*pair.split())


@pytest.mark.parametrize(
    "pair", ["USE_F16 USE_BF16", "USE_SM90A USE_SM90", "USE_SM10 USE_SM100", "WITH_FP61 WITH_FP16"]
)
def test_ends_of_words_and_digits_are_names_of_their_own_even_then(pair: str) -> None:
    assert not is_near_number(*pair.split())


@pytest.mark.parametrize(
    "pair",
    [
        *("WITH_FP61 WITH_FP16", "HAS_M90 HAS_SM90", "DG_IT_USE_API DG_JIT_USE_API"),
        *("USE_PU USE_GPU", "WITH_F16 WITH_BF16"),
    ],
)
def test_where_neither_name_has_a_home_any_letter_between_the_ends_may_be_lost(pair: str) -> None:
    written, meant = pair.split()
    assert is_one_letter_off(written, meant)
    assert is_one_letter_off(meant, written)


@pytest.mark.parametrize(
    "pair",
    [
        *("USE_SM10 USE_SM100", "WITH_OP WITH_OPS", "SE_CUDA USE_CUDA", "USE_A USE_AB"),
        *("WITH_FP6 WITH_FP16", "WITH_CUDA WITH_CUDA", "ON_X ON_XY"),
    ],
)
def test_ends_digits_and_short_names_stay_names_of_their_own(pair: str) -> None:
    written, meant = pair.split()
    assert not is_one_letter_off(written, meant)
    assert not is_one_letter_off(meant, written)


@pytest.mark.parametrize(
    ("pair", "is_longer"),
    [
        ("FASTOPS_WITH_CUDA FASTOPS_WITH_CUDAA", True),
        ("FASTOPS_WITH_CUDA FASTOPS_WITH_CUD", True),
        ("USE_SM90 USE_SM90A", False),
        ("DEMO_OP DEMO_OPH", False),
        ("DEMO_OPS_H DEMO_OPS_HH", False),
        ("WITH_TEST WITH_TESTS", False),
        ("USE_BF16 USE_BF161", False),
        ("WITH_CUDA WITH_CUDA", False),
        ("WITH_CUDA WITH_CUDART", False),
        ("WITH_CUDA WITH_CUDA_", False),
    ],
)
def test_where_neither_name_has_a_home_a_last_word_may_have_a_letter_more(
    pair: str, is_longer: bool
) -> None:
    written, meant = pair.split()
    assert is_one_letter_longer(written, meant) is is_longer
    assert is_one_letter_longer(meant, written) is is_longer


@pytest.mark.parametrize(
    ("written", "meant", "lacks"),
    [
        ("ENABLE_BF6", "ENABLE_BF16", True),
        ("ENABLE_BF16", "ENABLE_BF6", False),
        ("USE_SM10", "USE_SM100", False),
        ("USE_SM0", "USE_SM90", True),
        ("USE_90", "USE_190", False),
        ("WITH_F8", "WITH_FP8", False),
    ],
)
def test_a_digit_may_be_missing_inside_of_a_word(written: str, meant: str, lacks: bool) -> None:
    assert lacks_a_digit(written, meant) is lacks


def test_what_may_be_meant_begins_alike_and_comes_in_order() -> None:
    known = Spellings(["forward_pass", "foward_pass", "orward_pass", "other", "forwad_pass"])
    assert known.slips_of("forwward_pass") == ["forward_pass"]
    assert known.slips_of("forward_pass") == ["forwad_pass", "foward_pass"]
    assert known.slips_of("something") == []


def test_odd_words_are_those_of_one_name_alone() -> None:
    assert odd_words("WITH_CDUA_12", "WITH_CUDA_12") == {"CDUA"}
    assert odd_words("ENABLE", "ENABLE") == frozenset()


def test_among_many_names_the_same_slips_are_found_as_among_few() -> None:
    words = [f"{one}{two}{three}" for one in "bdfgklmn" for two in "aeo" for three in "rst"]
    known = [f"op_{one}_{two}_x" for one in words for two in [*words[:6], "longer", "longest"]]
    assert len([name for name in known if len(name) == len("op_bar_bar_x")]) > 300
    spellings = Spellings(known)
    for name in known[::53]:
        swapped = name[:4] + name[4:6][::-1] + name[6:]
        for written in (name, name[:4] + name[5:], name[:5] + name[4:], swapped, f"{name}_x"):
            one_by_one = [each for each in known if is_slip(written, each)]
            assert spellings.slips_of(written) == sorted(one_by_one)
    assert spellings.slips_of("op_bra_bar_x") == ["op_bar_bar_x"]
    assert "op_bar_bar_x" in spellings.slips_of("op_baar_bar_x")
    assert "op_bar_bar_x" in spellings.slips_of("op_br_bar_x")
