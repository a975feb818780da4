from __future__ import annotations

import math
import re

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opparity.evaluation.language_model import (
    START,
    Configuration,
    LanguageModel,
    bits_of,
    inputs_for,
    rotary_angles,
    rotate,
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(position=st.integers(0, 63), byte=st.integers(0, 255))
def test_changing_a_byte_leaves_every_earlier_logit_bit_identical(
    small_model: LanguageModel, position: int, byte: int
) -> None:
    tokens = torch.arange(64).reshape(1, 64) * 7 % 256
    changed = tokens.clone()
    changed[0, position] = byte
    with torch.inference_mode():
        before, after = small_model(tokens), small_model(changed)
    assert torch.equal(before[:, :position], after[:, :position])
    if byte != tokens[0, position]:
        assert not torch.equal(before[:, position], after[:, position])


def test_every_byte_is_predicted_from_the_bytes_before_it_alone() -> None:
    windows = torch.tensor([[5, 6, 7], [8, 9, 10]], dtype=torch.uint8)
    assert inputs_for(windows).tolist() == [[START, 5, 6], [START, 8, 9]]


def test_a_uniform_model_costs_eight_bits_a_byte() -> None:
    model = LanguageModel(Configuration(hidden_size=32, num_layers=1, num_heads=2, context=256))
    with torch.no_grad():
        model.model.embed_tokens.weight.zero_()
        windows = torch.arange(256, dtype=torch.uint8).reshape(1, 256)
        bits = bits_of(model.eval()(inputs_for(windows)), windows)
    assert bits.shape == (1, 256)
    assert bits.flatten().tolist() == pytest.approx([8.0] * 256, abs=1e-12)


def test_bits_are_the_negative_logarithm_of_the_softmax_of_the_right_byte() -> None:
    logits = torch.randn(2, 3, 256, generator=torch.Generator().manual_seed(1))
    windows = torch.tensor([[0, 255, 65], [66, 1, 2]], dtype=torch.uint8)
    bits = bits_of(logits, windows)
    for row in range(2):
        for column in range(3):
            numbers = [math.exp(number) for number in logits[row, column].tolist()]
            probability = numbers[int(windows[row, column])] / sum(numbers)
            assert bits[row, column].item() == pytest.approx(-math.log2(probability), rel=1e-9)


def test_the_product_of_rotated_vectors_depends_on_their_distance_alone() -> None:
    configuration = Configuration(context=64)
    angles = rotary_angles(configuration)
    generator = torch.Generator().manual_seed(2)
    query, key = torch.randn(2, configuration.head_size, generator=generator, dtype=torch.float64)

    def product(query_at: int, key_at: int) -> float:
        turned = [
            rotate(vector, angles[position].cos(), angles[position].sin())
            for vector, position in ((query, query_at), (key, key_at))
        ]
        return float(turned[0] @ turned[1])

    assert product(5, 2) == pytest.approx(product(60, 57), rel=1e-4)
    assert product(5, 2) != pytest.approx(product(60, 50), rel=1e-2)


def test_more_tokens_than_the_context_are_refused(small_model: LanguageModel) -> None:
    message = "65 tokens were given; the model reads at most 64 at once: split the text"
    with pytest.raises(ValueError, match=re.escape(message)):
        small_model(torch.zeros((1, 65), dtype=torch.int64))
