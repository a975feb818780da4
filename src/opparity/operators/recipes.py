"""Which recipe a call has, and which dtypes hold its values and scales."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from opparity.formats import (
    GROUP_SIZES,
    RECIPES,
    ROW,
    VALUE_FORMATS,
    Recipe,
    ScaleFormat,
    ScaleLayout,
    ScaleRule,
    accepted_recipes,
)
from opparity.operators.declaration import Role
from opparity.operators.sizes import name_of

if TYPE_CHECKING:
    from opparity.formats import ValueFormat
    from opparity.operators.request import Request

_NVFP4_GROUP = 16
_USUAL_GROUP = 128
_NIBBLE = 4


def recipe_of(request: Request) -> Recipe:
    """Return the recipe that is named, or that the operator and its tensors tell.

    Raises:
        ArgumentRefused: where there is none.
    """
    if request.is_backward or request.operator.unquantised:
        return RECIPES["none"]
    if request.operator.recipe:
        return accepted_recipes()[request.operator.recipe]
    if Role.RECIPE not in request.names:
        return _recipe_of_tensors(request)
    text = request.arguments[Role.RECIPE]
    recipe = accepted_recipes().get(text)
    if recipe is None:
        request.refuse(
            f"recipe is '{text}'; allowed: {', '.join(RECIPES)}, or an opparity.Recipe's text; "
            "choose one"
        )
    return recipe


def tensor_recipes(
    group_size: int | Literal["row"] | None,
    scale: ScaleFormat,
    rule: ScaleRule,
    layout: ScaleLayout,
) -> list[Recipe]:
    """Return the recipes that the dtype of values tells apart.

    uint8 does not tell of codes of four bits, so that these are for NVFP4's operators alone.
    """
    parts = f"{group_size or 'tensor'}/{scale}/{rule}/{layout}"
    texts = [
        f"{facts.name}/{parts}"
        for facts in VALUE_FORMATS.values()
        if rule is ScaleRule.GLOBAL or facts.bits != _NIBBLE
    ]
    return [accepted_recipes()[text] for text in texts if text in accepted_recipes()]


def packs_values(recipe: Recipe) -> bool:
    """Return whether a byte holds two values."""
    return recipe.format is not None and recipe.format.bits == _NIBBLE


def value_dtypes(facts: ValueFormat) -> tuple[str, ...]:
    """Return the dtypes that hold a format's codes, the one that is allocated first."""
    return ("uint8", "float4_e2m1fn_x2") if facts.bits == _NIBBLE else (facts.name,)


def scale_dtypes(recipe: Recipe) -> tuple[str, ...]:
    """Return the dtypes that hold a recipe's scales, the one that is allocated first."""
    if recipe.layout is ScaleLayout.PACKED:
        return ("int32",)
    if not recipe.scale_is_byte:
        return ("float32",)
    if recipe.layout is ScaleLayout.SWIZZLE_128X4:
        return (str(recipe.scale), "uint8", "int32")
    return (str(recipe.scale), "uint8")


def _recipe_of_tensors(request: Request) -> Recipe:
    scale, rule = request.operator.scale, request.operator.rule
    if request.arguments.get(Role.SCALE_UE8M0, False):
        scale, rule = ScaleFormat.POWER_OF_TWO, ScaleRule.CEIL
        # A word holds four exponents, a float32 number is one power of two.
        if (
            request.operator.has_experts
            and name_of(request.arguments[Role.SCALES].dtype) == "int32"
        ):
            scale = ScaleFormat.E8M0
    usual = _USUAL_GROUP if request.operator.has_experts else None
    group_size = request.arguments.get(Role.GROUP_SIZE, usual)
    if rule is ScaleRule.GLOBAL:
        group_size = _NVFP4_GROUP
    if request.operator.by_token:
        group_size = ROW
    elif rule is not ScaleRule.GIVEN and group_size not in GROUP_SIZES:
        sizes = ", ".join(map(str, GROUP_SIZES))
        request.refuse(f"group_size is {group_size}; allowed: {sizes}; choose one")
    layout = ScaleLayout.ROW_MAJOR
    if request.operator.swizzled:
        layout = ScaleLayout.SWIZZLE_128X4
    elif scale is ScaleFormat.E8M0:
        layout = ScaleLayout.PACKED
    recipes = {
        dtype: recipe
        for recipe in tensor_recipes(group_size, scale, rule, layout)
        for dtype in value_dtypes(VALUE_FORMATS[recipe.value])
    }
    given = name_of(request.arguments[Role.VALUES].dtype)
    if given not in recipes:
        request.refuse(
            f"{request.names[Role.VALUES]} has dtype {given}; allowed: {', '.join(recipes)}; "
            "allocate it so"
        )
    return recipes[given]
