"""The calls on which every implementation must give the golden digests.

They are few and hostile; random_calls/ has as many as one likes.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import cycle, product
from typing import TYPE_CHECKING

from opparity.formats import (
    GROUP_SIZES,
    INPUT_DTYPES,
    RECIPES,
    VALUE_FORMATS,
    ExpertLayout,
    Intermediate,
    Recipe,
    ScaleLayout,
    ScaleRule,
    accepted_recipes,
    group_recipe,
)
from opparity.operators import OPERATORS, producer_named
from opparity.operators import block_quantisation_cases as first
from opparity.operators.case import Case, given_scale
from opparity.operators.declaration import Direction, Role
from opparity.operators.expert_cases import NUM_TOKENS, recipes_of_experts
from opparity.operators.fillings import Filling
from opparity.operators.gradient_cases import cases_of_gradients

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.operators.declaration import Operator


@cache
def cases() -> tuple[Case, ...]:
    """Return the golden cases of every operator, in the table's order."""
    return tuple(
        case
        for operator in OPERATORS
        for case in (
            _of_backward(operator)
            if operator.direction is Direction.BACKWARD
            else cases_of_gradients(operator)
            if operator.quantises_gradient
            else _of_experts(operator)
            if operator.has_experts
            else _of_columns(operator)
            if operator.has_columns
            else _of_sums(operator)
            if operator.reads_sums
            else _of_recipes(operator)
            if any(argument.role is Role.RECIPE for argument in operator.arguments)
            else _of_tensors(operator)
        )
    )


def _of_recipes(operator: Operator) -> Iterator[Case]:
    """Yield the cases of a general operator: every named recipe, and what producers differ in."""
    name, producer = operator.qualified_name, producer_named(operator.producer)
    if operator.mutates:
        # The kernel is the functional one's; what differs is who allocates.
        for recipe in (RECIPES["fp8_block"], RECIPES["none"]):
            yield Case(name, Filling.ACTIVATIONS, 24, 528, "bfloat16", recipe)
        return
    # Rotated: each producer meets every pair sooner or later, and not every triple.
    dtypes, intermediates = cycle(INPUT_DTYPES), cycle(Intermediate)
    fillings = cycle((Filling.ACTIVATIONS, Filling.FINITE_PATTERNS))
    of_groups = [recipe for recipe in RECIPES.values() if not recipe.by_token]
    for number, recipe in enumerate(of_groups):
        yield Case(
            name,
            next(fillings),
            24,
            528,
            next(dtypes),
            recipe,
            next(intermediates),
            interleaved=producer.gated and number % 4 == 1,
            scale=given_scale(recipe),
        )
        if number % 3 == 1:
            next(dtypes)
            next(intermediates)
    # Rotated anew, so that another recipe leaves these cases as they are.
    dtypes = cycle((INPUT_DTYPES[-1], *INPUT_DTYPES[:-1]))
    for text in ("fp8_block_64", "int8_block", "mxfp8", "mxfp4", "nvfp4"):
        recipe = RECIPES[text]
        for filling, width in ((Filling.PATTERNS, 96), (Filling.SPECIAL, 1024)):
            dtype = next(dtypes)
            yield Case(name, filling, 16, width, dtype, recipe, scale=given_scale(recipe))
    for dtype in ("float16", "bfloat16"):
        yield Case(name, Filling.EVERY_GATE, 64, 1024, dtype, RECIPES["none"])
    yield from _of_rows(name, dtypes, intermediates)
    if producer.name in ("identity", "silu_and_mul"):
        yield from _of_formats(name)


def _of_rows(
    name: str, dtypes: Iterator[str], intermediates: Iterator[Intermediate]
) -> Iterator[Case]:
    """Yield cases by token: a warp's row, and one of several steps with a short last one."""
    for recipe in RECIPES.values():
        if recipe.by_token:
            for filling, width in ((Filling.FINITE_PATTERNS, 520), (Filling.ACTIVATIONS, 4616)):
                yield Case(name, filling, 7, width, next(dtypes), recipe, next(intermediates))


def _of_formats(name: str) -> Iterator[Case]:
    """Yield cases of what producers do not differ in: formats, rules, layouts and group sizes."""
    if name == "quantize":
        for facts, dtype in product(VALUE_FORMATS.values(), ("float16", "bfloat16")):
            recipe = next(r for r in RECIPES.values() if r.value == facts.name)
            scale = given_scale(recipe)
            yield Case(name, Filling.EVERY_GATE, 64, 1024, dtype, recipe, scale=scale)
    for recipe in sorted(set(accepted_recipes().values()), key=str):
        # Each rule and layout once for a format, in the group size that its layout is used with.
        used = {ScaleRule.AMAX: 128, ScaleRule.GLOBAL: 16}.get(recipe.rule, 32)
        if recipe.group_size == used:
            scale = given_scale(recipe)
            yield Case(name, Filling.ACTIVATIONS, 37, 304, "bfloat16", recipe, scale=scale)
    for size in GROUP_SIZES:
        yield Case(name, Filling.ACTIVATIONS, 5, 776, "float16", group_recipe(group_size=size))


def _of_backward(operator: Operator) -> Iterator[Case]:
    name, none = operator.qualified_name, RECIPES["none"]
    if producer_named(operator.producer).reduces:
        # A warp's row, several steps with a short last one, and more rows than accumulators.
        sizes = cycle(((7, 520), (9, 4616), (300, 72)))
        for filling, dtype in product((Filling.ACTIVATIONS, Filling.PATTERNS), INPUT_DTYPES):
            for adds in (True, False):
                num_tokens, width = next(sizes)
                yield Case(name, filling, num_tokens, width, dtype, none, adds=adds)
        yield Case(name, Filling.SPECIAL, 16, 1024, "bfloat16", none)
        yield Case(name, Filling.EVERY_GATE, 64, 1024, "bfloat16", none)
        return
    gated = producer_named(operator.producer).gated
    for number, dtype in enumerate(INPUT_DTYPES):
        for filling in (Filling.ACTIVATIONS, Filling.PATTERNS):
            yield Case(name, filling, 24, 528, dtype, none, interleaved=gated and number == 1)
        yield Case(name, Filling.SPECIAL, 16, 1024, dtype, none)
    yield Case(name, Filling.EVERY_GATE, 64, 1024, "bfloat16", none)


def _of_columns(operator: Operator) -> Iterator[Case]:
    """Yield the cases of columns: each group size, rule and layout, and a short last group."""
    name, producer = operator.qualified_name, producer_named(operator.producer)
    dtypes, intermediates = cycle(INPUT_DTYPES), cycle(Intermediate)
    sizes = cycle(((130, 304), (128, 256), (37, 520)))
    recipes = [RECIPES["fp8_block"], RECIPES["mxfp8"]]
    if producer.name in ("identity", "silu_and_mul"):
        recipes += [RECIPES[text] for text in ("int8_block", "fp8_block_64", "deepgemm")]
        recipes += [RECIPES["mxfp8"].with_layout(ScaleLayout.SWIZZLE_128X4)]
    for recipe in recipes:
        for filling in (Filling.ACTIVATIONS, Filling.PATTERNS):
            num_tokens, width = next(sizes)
            yield Case(
                name,
                filling,
                num_tokens,
                width,
                next(dtypes),
                recipe,
                next(intermediates),
                interleaved=producer.gated and filling is Filling.PATTERNS,
            )


def _of_sums(operator: Operator) -> Iterator[Case]:
    """Yield the cases of sums: usual ones and any, by tokens, by groups and as they are."""
    name, producer = operator.qualified_name, producer_named(operator.producer)
    dtypes, intermediates = cycle(INPUT_DTYPES), cycle(Intermediate)
    if operator.mutates:
        # The kernel is the functional one's.
        for text, dtype in (("fp8_block", "bfloat16"), ("none", "float16")):
            yield Case(name, Filling.ACTIVATIONS, 24, 528, dtype, RECIPES[text])
        return
    sizes = cycle(((24, 528, False), (37, 304, False), (7, 4616, False), (9, 520, True)))
    texts = ["fp8_block", "int8_token", "none"]
    if producer.name in ("identity", "silu_and_mul"):
        texts += ["fp8_token", "mxfp8", "nvfp4", "fp8_tensor", "deepgemm"]
    for recipe in (RECIPES[text] for text in texts):
        for filling in (Filling.ACTIVATIONS, Filling.PATTERNS):
            num_tokens, width, alternates = next(sizes)
            yield Case(
                name,
                filling,
                num_tokens,
                width,
                next(dtypes),
                recipe,
                next(intermediates),
                interleaved=producer.gated and alternates,
                scale=given_scale(recipe),
            )


def _of_experts(operator: Operator) -> Iterator[Case]:
    """Yield the cases of experts: each layout and kind of scales, with some rows and with none."""
    name, producer = operator.qualified_name, producer_named(operator.producer)
    if operator.experts is not None:
        recipes = recipes_of(operator)
        for seed, (recipe, dtype) in enumerate(product(recipes, ("bfloat16", "float16"))):
            yield _of_expert(name, operator.experts, recipe, dtype, operator.intermediate, seed)
        if operator.may_have_experts:
            yield from _of_tensors(operator)
        return
    # Rotated, as for all rows; a producer of its own has no scales of its own.
    dtypes, intermediates = cycle(INPUT_DTYPES), cycle(Intermediate)
    if producer.name not in ("identity", "silu_and_mul"):
        for layout, recipe in zip(ExpertLayout, recipes_of_experts(), strict=False):
            yield _of_expert(name, layout, recipe, next(dtypes), next(intermediates))
        return
    recipes = list(recipes_of_experts())
    if operator.mutates:
        recipes += [RECIPES["mxfp8"].with_layout(ScaleLayout.SWIZZLE_128X4)]
    for layout, recipe in product(ExpertLayout, recipes):
        for seed in (0, 1) if operator.mutates else (0,):
            yield _of_expert(name, layout, recipe, next(dtypes), next(intermediates), seed)
    for layout, text in product(ExpertLayout, ("fp8_block", "nvfp4", "fp8_token", "none")):
        case = _of_expert(name, layout, RECIPES[text], next(dtypes), next(intermediates))
        yield replace(case, weighs=True)


def _of_expert(
    name: str,
    layout: ExpertLayout,
    recipe: Recipe,
    dtype: str,
    intermediate: Intermediate,
    seed: int = 0,
) -> Case:
    return Case(
        name,
        Filling.ACTIVATIONS,
        NUM_TOKENS,
        304,
        dtype,
        recipe,
        intermediate,
        scale=given_scale(recipe),
        seed=seed,
        experts=layout,
    )


def _of_tensors(operator: Operator) -> Iterator[Case]:
    """Yield the cases of an operator with a peer's schema, which takes no recipe."""
    name = operator.qualified_name
    if name == first.NAME:
        yield from first.block_quantisation_cases()
        return
    optional = any(a.role is Role.RESIDUAL and a.type == "Tensor?" for a in operator.arguments)
    if operator.bounds_amax:
        # A bound that bites; 0.9 of amax would bound no scale.
        recipe = recipes_of(operator)[0]
        yield Case(
            name,
            Filling.ACTIVATIONS,
            24,
            528,
            "bfloat16",
            recipe,
            operator.intermediate,
            scale_ub=0.9,
            adds=not optional,
        )
    for number, recipe in enumerate(recipes_of(operator)):
        scale = given_scale(recipe)
        for filling, dtype in (
            (Filling.ACTIVATIONS, INPUT_DTYPES[number % 3]),
            (Filling.PATTERNS, INPUT_DTYPES[(number + 1) % 3]),
        ):
            yield Case(
                name,
                filling,
                24,
                528,
                dtype,
                recipe,
                operator.intermediate,
                interleaved=operator.interleaved,
                scale=scale,
            )


def recipes_of(operator: Operator) -> list[Recipe]:
    """Return recipes that an operator without one in its schema can be asked for."""
    if operator.unquantised:
        return [RECIPES["none"]]
    if operator.recipe:
        return [accepted_recipes()[operator.recipe]]
    wanted = {
        "silu_and_mul_per_block_quant": ("fp8_block", "fp8_e5m2_block", "int8_block"),
        "silu_and_mul_quant": ("fp8_tensor", "fp8_tensor_fnuz", "int8_tensor"),
        "silu_and_mul_nvfp4_quant": ("nvfp4",),
        "situ_and_mul_quant": ("fp8_block", "fp8_block_fnuz"),
        "per_token_group_fp8_quant": ("fp8_block", "fp8_block_ue8m0", "fp8_block_fnuz"),
        "per_token_group_fp8_quant_packed": ("deepgemm",),
        "per_token_group_quant_int8": ("int8_block",),
        "static_scaled_fp8_quant": ("fp8_tensor", "fp8_tensor_fnuz"),
        "rms_norm_static_fp8_quant": ("fp8_tensor", "fp8_tensor_fnuz"),
        "fused_add_rms_norm_static_fp8_quant": ("fp8_tensor", "fp8_tensor_fnuz"),
        "rms_norm_dynamic_per_token_quant": ("fp8_token", "int8_token", "fp8_token_fnuz"),
        "rms_norm_per_block_quant": ("fp8_block", "fp8_block_64", "int8_block"),
        "dynamic_per_token_scaled_fp8_quant": ("fp8_token", "fp8_token_fnuz"),
        "dynamic_scaled_int8_quant": ("int8_token",),
        "persistent_masked_m_silu_mul_quant": ("fp8_block", "fp8_block_ue8m0", "deepgemm"),
    }[operator.name]
    recipes = [RECIPES[text] for text in wanted]
    layout = ScaleLayout.SWIZZLE_128X4
    return [r.with_layout(layout) for r in recipes] if operator.swizzled else recipes
