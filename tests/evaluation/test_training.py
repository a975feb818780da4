from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from opparity.evaluation.language_model import Configuration, LanguageModel
from opparity.evaluation.training import Budget, Plan, bits_per_byte, learning_rate, train

PLAN = Plan(minutes=None, steps=120, batch_windows=8, learning_rate=1e-2, dropout=0.0)
TINY = Configuration(hidden_size=32, intermediate_size=64, num_layers=1, num_heads=2, context=32)


def test_training_learns_a_text_that_repeats_itself() -> None:
    text = torch.tensor(list(b"the same bits, " * 200), dtype=torch.uint8)
    validation = text[7 : 7 + 32 * 4].view(4, 32)
    lines: list[str] = []
    trained = train(TINY, PLAN, text, validation, say=lines.append)
    assert trained.steps == 120
    assert trained.tokens == 120 * 8 * 32
    # Fifteen different places to be in; a model that learnt nothing needs about 3.5 bits.
    assert trained.validation < 1.5
    assert bits_per_byte(trained.model, [validation]) == pytest.approx(trained.validation)
    assert not trained.model.training
    assert lines[-1].startswith("100.0%") or lines[-1].startswith("validation")


def test_training_is_the_same_for_the_same_seed() -> None:
    text = torch.arange(2000, dtype=torch.int64).mul(31).remainder(251).to(torch.uint8)
    validation = text[:64].view(2, 32)
    plan = Plan(minutes=None, steps=3, batch_windows=2, seed=9)
    first, second = (train(TINY, plan, text, validation, say=lambda _: None) for _ in range(2))
    for name, weight in first.model.state_dict().items():
        assert torch.equal(weight, second.model.state_dict()[name]), name


def test_the_weights_that_did_best_on_validation_are_kept() -> None:
    text = torch.tensor(list(b"abcd" * 500), dtype=torch.uint8)
    # What the training text teaches is wrong here, so that learning makes it worse.
    validation = torch.tensor(list(b"zyx!" * 16), dtype=torch.uint8).view(2, 32)
    plan = Plan(minutes=None, steps=30, batch_windows=4, learning_rate=1e-2, validations=30)
    trained = train(TINY, plan, text, validation, say=lambda _: None)
    assert bits_per_byte(trained.model, [validation]) == pytest.approx(trained.validation)
    assert trained.validation < 9.0


@given(used=st.floats(0, 1))
def test_the_learning_rate_rises_to_its_peak_and_falls_to_zero(used: float) -> None:
    rate = learning_rate(PLAN, used)
    assert 0 <= rate <= PLAN.learning_rate
    later = min(1.0, used + 0.01)
    if later < PLAN.warm_up:
        assert learning_rate(PLAN, later) >= rate
    elif used > PLAN.warm_up:
        assert learning_rate(PLAN, later) <= rate
    assert learning_rate(PLAN, PLAN.warm_up) == PLAN.learning_rate
    assert learning_rate(PLAN, 1.0) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(("minutes", "steps"), [(None, None), (1.0, 10)])
def test_a_budget_is_minutes_or_steps(minutes: float | None, steps: int | None) -> None:
    with pytest.raises(ValueError, match="give minutes or steps, and not both"):
        Budget(Plan(minutes=minutes, steps=steps, batch_windows=1))


def test_a_budget_of_steps_is_used_up_by_steps_and_one_of_minutes_by_time() -> None:
    assert Budget(PLAN).used(30) == 0.25
    assert Budget(PLAN).used(1000) == 1.0
    timed = Budget(Plan(minutes=1.0, steps=None, batch_windows=1))
    timed.started -= 30
    assert timed.used(0) == pytest.approx(0.5, abs=0.01)


def test_dropout_acts_in_training_alone() -> None:
    torch.manual_seed(1)
    model = LanguageModel(TINY, dropout=0.5)
    tokens = torch.arange(32).view(1, 32)
    assert not torch.equal(model.train()(tokens), model(tokens))
    assert torch.equal(model.eval()(tokens), model(tokens))
