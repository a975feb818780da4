"""opparity.warm_up makes the calls that load and compile, and says by whom they are served."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import opparity
from opparity.errors import ArgumentRefused, OperatorMissing
from opparity.formats import RECIPES
from opparity.operators import (
    PRODUCERS,
    PROVIDERS,
    calling,
    general_name,
    has_gradient,
    norm_functions,
)
from opparity.warming import Warmed


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """Note each call that a function makes."""
    calls: list[tuple[object, ...]] = []
    original = calling._text

    def note(name: str, recipe: Any) -> str:  # noqa: ANN401
        text = original(name, recipe)
        calls.append((name, text))
        return text

    for module in (calling, norm_functions):
        monkeypatch.setattr(module, "_text", note)
    return calls


def test_every_dtype_and_group_size_is_called_once_on_the_cpu(
    called: list[tuple[object, ...]],
) -> None:
    [done] = opparity.warm_up(devices=["cpu"], input_dtypes=[torch.float32], group_sizes=[16, 32])
    assert done == Warmed("silu_and_mul", "cpu", "native", 2)
    assert called == [
        ("silu_and_mul", f"float8_e4m3fn/{size}/float32/amax/row_major") for size in (16, 32)
    ]


def test_every_operator_is_called_with_every_recipe_that_is_asked_for(
    called: list[tuple[object, ...]],
) -> None:
    names = [general_name(producer) for producer in PRODUCERS] + ["add_rms_norm"]
    recipes = [recipe for recipe in RECIPES.values() if recipe.format is not None]
    done = opparity.warm_up(names, ["cpu"], recipes=recipes, input_dtypes=[torch.bfloat16])
    assert [each.calls for each in done] == [len(recipes)] * len(names)
    assert called == [(name, recipe.text) for name in names for recipe in recipes]


def test_backward_passes_are_made_where_they_will_come() -> None:
    names = [*(general_name(producer) for producer in PRODUCERS), "add_rms_norm"]
    done = opparity.warm_up(
        names, ["cpu"], recipes=["mxfp8"], input_dtypes=[torch.float32], gradients=True
    )
    assert [each.calls for each in done] == [*(3 if has_gradient(p) else 1 for p in PRODUCERS), 3]


def test_gradients_are_quantised_where_that_will_come() -> None:
    names = [general_name(producer) for producer in PRODUCERS]
    done = opparity.warm_up(
        names,
        ["cpu"],
        recipes=["mxfp8", "nvfp4"],
        input_dtypes=[torch.float32],
        quantised_gradients=True,
    )
    # By rows with both, by columns with one.
    assert [each.calls for each in done] == [
        2 + 3 * (has_gradient(p) and not p.reduces) for p in PRODUCERS
    ]


def test_it_names_the_implementation_that_serves() -> None:
    with opparity.providers(force="reference"):
        [done] = opparity.warm_up(devices=["cpu"], group_sizes=[64])
    assert done.provider == "reference"
    assert done.calls == 2


def test_an_unknown_operator_and_an_operator_that_nobody_serves_are_refused() -> None:
    with pytest.raises(ArgumentRefused, match=r"gelu: it is not in the table; allowed: quantize"):
        opparity.warm_up(["gelu"], ["cpu"])
    with opparity.providers(forbid=PROVIDERS), pytest.raises(OperatorMissing, match="forbids it"):
        opparity.warm_up(devices=["cpu"])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"operators": "quantize"}, "operators is 'quantize'; allowed: a list; write ['quantize']"),
        ({"devices": "cpu"}, "devices is 'cpu'; allowed: a list; write ['cpu']"),
        ({"recipes": "mxfp8"}, "recipes is 'mxfp8'; allowed: a list; write ['mxfp8']"),
        ({"group_sizes": 64}, "group_sizes is 64; allowed: a list; write [64]"),
        (
            {"input_dtypes": ["fp8"]},
            "an input dtype is 'fp8'; allowed: torch.float16, torch.bfloat16, torch.float32",
        ),
        ({"input_dtypes": [torch.float64]}, "an input dtype is torch.float64; allowed: torch.f"),
    ],
    ids=str,
)
def test_what_is_no_list_and_no_dtype_is_answered_in_words(
    given: dict[str, Any], words: str
) -> None:
    with pytest.raises(ArgumentRefused) as caught:
        opparity.warm_up(**{"devices": ["cpu"]} | given)
    assert str(caught.value).startswith(f"warm_up: {words}")


@pytest.mark.gpu
def test_after_it_a_graph_is_captured_without_a_first_call() -> None:
    done = opparity.warm_up(group_sizes=[128], input_dtypes=[torch.bfloat16])
    assert {each.provider for each in done} == {"native"}
    inputs = [torch.ones(n, 14336, device="cuda").bfloat16() for n in (1, 300, 4096)]
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        captured = [opparity.silu_and_mul_per_block_quant(input) for input in inputs]
    graph.replay()
    torch.cuda.synchronize()
    for input, result in zip(inputs, captured, strict=True):
        expected = opparity.silu_and_mul_per_block_quant(input.cpu())
        assert torch.equal(result.scales.cpu(), expected.scales)
