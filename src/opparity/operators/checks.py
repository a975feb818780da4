"""The checks of every operator's arguments: they see no data, so fake tensors get them too.

With recipes.py, scale_checks.py and memory.py these are all the refusals that operators have.
native/operators/checks.cpp has the same in the same order and words, and the tests compare them.
Sizes may be symbols of a trace: nothing here asks for more than whether what was given is allowed,
so that a trace with any number of tokens stays one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from opparity.formats import INPUT_DTYPES, Recipe, ScaleRule
from opparity.operators import expert_checks, gradient_checks, scale_checks, sum_checks
from opparity.operators.declaration import Role
from opparity.operators.recipes import packs_values, recipe_of, value_dtypes
from opparity.operators.sizes import has_shape, holds, name_of, words

if TYPE_CHECKING:
    from torch import Tensor

    from opparity.operators.expert_checks import Experts
    from opparity.operators.request import Request

# What a request may have beside its input.
TENSORS = (
    *(Role.VALUES, Role.SCALES, Role.GRADIENT, Role.WEIGHT, Role.GATE, Role.RESIDUAL),
    Role.SUM_GRADIENT,
    *(Role.SCALE, Role.SCALE_UB, Role.ROWS, Role.SCALE_OFFSETS, Role.ROW_WEIGHTS),
    *(Role.TOKEN_SCALES, Role.WEIGHT_SCALES),
)
# What a producer's number and an eps may be: float32 holds them and their reciprocals.
LEAST, MOST = 1e-30, 1e30
# Of tokens.
COLUMN_GROUPS = (32, 64, 128)


@dataclass(frozen=True, slots=True)
class Checked:
    """What an allowed request comes to.

    Attributes:
        recipe: its layout says nothing where the operator has no recipe and strides tell.
        hidden_size: width of the output, which is the input's where its gradient is quantised.
        num_groups: of a token; 0 where there are no groups.
        scales: the tensor to write scales to, turned so that its first dimension is the tokens';
            None where none was given. Of masked experts, their first dimension is the experts.
        request: the same with all experts' rows in one list.
        experts: where experts' rows are; None where each row is valid.
    """

    recipe: Recipe
    num_tokens: int
    hidden_size: int
    num_groups: int
    scales: Tensor | None
    request: Request
    experts: Experts | None = None


def check(given: Request) -> Checked:
    """Return what a request comes to.

    Raises:
        ArgumentRefused: for what no kernel takes.
    """
    check_given(given)
    request, experts = expert_checks.flattened(given)
    _check_input(request)
    recipe = recipe_of(request)
    num_tokens, hidden_size = request.input.shape[0], request.input.shape[1]
    product_size = hidden_size // 2 if request.producer.gated else hidden_size
    if not request.quantises_gradient:
        hidden_size = product_size
    if packs_values(recipe) and holds(hidden_size % 2 != 0):
        request.refuse(
            f"hidden_size is {hidden_size}; allowed: an even one with {recipe.value}, which stores "
            f"two codes a byte; pad the projection to {hidden_size + 1}"
        )
    num_groups = recipe.groups_in(hidden_size)
    _check_columns(request, recipe)
    gradient_checks.check(request, recipe, product_size)
    _check_code_bounds(request, recipe)
    _check_numbers(request)
    _check_extent(request)
    _check_values(request, recipe, num_tokens, hidden_size)
    if experts is None:
        scales = scale_checks.check(request, recipe, num_tokens, num_groups)
    else:
        experts, scales = expert_checks.check_scales(request, experts, recipe, num_groups)
    _check_gradient(request, num_tokens, product_size)
    for role in (Role.WEIGHT, Role.GATE, Role.RESIDUAL, Role.SUM_GRADIENT):
        _check_beside(request, role, num_tokens, hidden_size)
    for role in (Role.SCALE, Role.SCALE_UB):
        _check_single_number(request, recipe, role, experts)
    if experts is not None:
        expert_checks.check_row_weights(request, experts)
    sum_checks.check(request)
    _check_devices(request)
    return Checked(recipe, num_tokens, hidden_size, num_groups, scales, request, experts)


def check_given(request: Request) -> None:
    """Check that no tensor is None, which torch takes where another one tells it whom to call.

    Raises:
        ArgumentRefused: for one that is.
    """
    for role in request.required:
        if request.arguments[role] is None:
            request.refuse(f"{request.names[role]} is None; allowed: a tensor; pass one")


def _check_input(request: Request) -> None:
    input, gated = request.input, request.producer.gated
    if input.dim() != 2:  # noqa: PLR2004 -- the number of dimensions in the message
        width_name = "2 * hidden_size" if gated else "hidden_size"
        request.refuse(
            f"input has {input.dim()} dimensions; allowed: 2, [num_tokens, {width_name}]; "
            "flatten the leading ones"
        )
    if request.operator.reads_sums:
        sum_checks.check_dtype(request)
    elif name_of(input.dtype) not in INPUT_DTYPES:
        dtypes = ", ".join(INPUT_DTYPES)
        request.refuse(f"input has dtype {name_of(input.dtype)}; allowed: {dtypes}; cast it")
    width = input.shape[1]
    if gated and (holds(width % 2 != 0) or holds(width == 0)):
        request.refuse(
            f"input is {width} wide; allowed: an even width of at least 2; "
            "concatenate gate and up in the last dimension"
        )
    if holds(width == 0):
        request.refuse("input is 0 wide; allowed: a width of at least 1; leave the call out")
    _check_last_stride(request, Role.INPUT, input)


def _check_last_stride(request: Request, role: Role, tensor: Tensor) -> None:
    stride = tensor.stride(-1)
    if holds(tensor.shape[-1] > 1) and holds(stride != 1):
        request.refuse(
            f"{request.names[role]}'s last dimension has stride {stride}; allowed: 1; "
            "call contiguous()"
        )


def _check_columns(request: Request, recipe: Recipe) -> None:
    """Check that there can be groups of tokens."""
    if not request.operator.has_columns:
        return
    if recipe.group_size not in COLUMN_GROUPS or packs_values(recipe):
        request.refuse(
            f"recipe is '{request.arguments[Role.RECIPE]}' with columns; allowed: values of eight "
            "bits in groups of 32, 64 or 128; choose one"
        )


def _check_code_bounds(request: Request, recipe: Recipe) -> None:
    facts = recipe.format
    if facts is None:
        return
    for role, bound in ((Role.CODE_MINIMUM, facts.lowest), (Role.CODE_MAXIMUM, facts.maximum)):
        given = request.arguments.get(role, bound)
        if given != bound:
            request.refuse(
                f"{request.names[role]} is {given:g}; allowed: {bound:g}, {facts.name}'s; pass that"
            )


def _check_numbers(request: Request) -> None:
    numbers = [
        (parameter.name, value, parameter.positive)
        for parameter, value in zip(request.producer.parameters, request.parameters, strict=True)
    ]
    if Role.LEAST_AMAX in request.names:
        name = request.names[Role.LEAST_AMAX]
        numbers.append((name, request.arguments[Role.LEAST_AMAX], True))
    for name, value, positive in numbers:
        allowed = f"{LEAST:g} to {MOST:g}"
        size = value if positive else abs(value)
        if not (LEAST <= size <= MOST or (size == 0 and not positive)):
            sizes = allowed if positive else f"0, or a magnitude of {allowed}"
            request.refuse(f"{name} is {value:g}; allowed: {sizes}; choose one")
    roundings = gradient_checks.intermediates(request.operator)
    if request.intermediate not in roundings:
        request.refuse(
            f"intermediate is '{request.intermediate}'; allowed: {', '.join(roundings)}; choose one"
        )
    if request.dtype not in INPUT_DTYPES:
        request.refuse(
            f"{request.names[Role.DTYPE]} is '{request.dtype}'; allowed: "
            f"{', '.join(INPUT_DTYPES)}; choose one"
        )


def _check_extent(request: Request) -> None:
    """Check that one scale is for the whole tensor, and that codes are symmetric."""
    shape = request.arguments.get(Role.GROUP_SHAPE)
    if shape is not None and list(shape) != [-1, -1]:
        request.refuse(
            f"{request.names[Role.GROUP_SHAPE]} is {words(shape)}; allowed: None or [-1, -1], "
            "one scale for the whole tensor; pass that"
        )
    if request.arguments.get(Role.ZERO_POINTS) is not None:
        request.refuse(
            f"{request.names[Role.ZERO_POINTS]} is given; allowed: None, since codes are "
            "symmetric; leave it out"
        )


def _check_values(request: Request, recipe: Recipe, num_tokens: int, hidden_size: int) -> None:
    values = request.tensor(Role.VALUES)
    if values is None:
        return
    name, given = request.names[Role.VALUES], name_of(values.dtype)
    if recipe.format is None:
        if given != request.dtype:
            whose = "as dtype says" if request.operator.reads_sums else "the input's"
            request.refuse(
                f"{name} has dtype {given}; allowed: {request.dtype}, {whose}; allocate it so"
            )
    elif given not in value_dtypes(recipe.format):
        dtypes = ", ".join(value_dtypes(recipe.format))
        request.refuse(f"{name} has dtype {given}; allowed: {dtypes}; allocate it so")
    is_packed = packs_values(recipe)
    columns = hidden_size // 2 if is_packed else hidden_size
    if not has_shape(values, num_tokens, columns):
        request.refuse(
            f"{name} has shape {words(values.shape)}; allowed: {words((num_tokens, columns))}, "
            f"[num_tokens, hidden_size{' / 2' if is_packed else ''}]; allocate it so"
        )
    scale_checks.check_rows(request, Role.VALUES, values)


def _check_gradient(request: Request, num_tokens: int, hidden_size: int) -> None:
    gradient = request.tensor(Role.GRADIENT)
    if gradient is None:
        return
    if not has_shape(gradient, num_tokens, hidden_size):
        request.refuse(
            f"gradient has shape {words(gradient.shape)}; allowed: "
            f"{words((num_tokens, hidden_size))}, [num_tokens, hidden_size]; pass the output's"
        )
    allowed = list(dict.fromkeys((name_of(request.input.dtype), "float32")))
    if name_of(gradient.dtype) not in allowed:
        request.refuse(
            f"gradient has dtype {name_of(gradient.dtype)}; allowed: {', '.join(allowed)}; cast it"
        )
    _check_last_stride(request, Role.GRADIENT, gradient)


def _check_beside(request: Request, role: Role, num_tokens: int, hidden_size: int) -> None:
    """Check a tensor beside the input of a producer that reduces."""
    tensor = request.tensor(role)
    if tensor is None:
        return
    name, dtype = request.names[role], name_of(request.input.dtype)
    sizes = (hidden_size,) if role is Role.WEIGHT else (num_tokens, hidden_size)
    if not has_shape(tensor, *sizes):
        meaning = "[hidden_size]" if role is Role.WEIGHT else "[num_tokens, hidden_size]"
        request.refuse(
            f"{name} has shape {words(tensor.shape)}; allowed: {words(sizes)}, {meaning}; "
            "pass such a tensor"
        )
    if tensor.dtype != request.input.dtype:
        request.refuse(
            f"{name} has dtype {name_of(tensor.dtype)}; allowed: {dtype}, the input's; cast it"
        )
    if role in request.outputs:
        scale_checks.check_rows(request, role, tensor)
    else:
        _check_last_stride(request, role, tensor)


def _check_single_number(
    request: Request, recipe: Recipe, role: Role, experts: Experts | None
) -> None:
    """Check the given scale or the scales' bound, each a tensor of one float32 number.

    Experts may have a given scale each.
    """
    if role not in request.names:
        return
    name, tensor = request.names[role], request.tensor(role)
    is_scale = role is Role.SCALE
    if tensor is None:
        if is_scale and recipe.rule in (ScaleRule.GIVEN, ScaleRule.GLOBAL):
            request.refuse(
                f"{name} is None; allowed: one float32 number, since the recipe's scale is given; "
                "pass it"
            )
        return
    if is_scale and recipe.rule not in (ScaleRule.GIVEN, ScaleRule.GLOBAL):
        request.refuse(
            f"{name} is given; allowed: None, since the recipe computes its scales; leave it out"
        )
    if not is_scale and recipe.rule is not ScaleRule.AMAX:
        request.refuse(
            f"{name} is given; allowed: None, since the recipe has no scales that a bound is "
            "defined for; leave it out"
        )
    if name_of(tensor.dtype) != "float32":
        request.refuse(f"{name} has dtype {name_of(tensor.dtype)}; allowed: float32; cast it")
    if is_scale and experts is not None:
        _check_scales_of_experts(request, tensor, experts.count)
    elif holds(tensor.numel() != 1):
        request.refuse(
            f"{name} has {tensor.numel()} elements; allowed: 1; give one "
            f"{'scale' if is_scale else 'bound'} for all"
        )


def _check_scales_of_experts(request: Request, tensor: Tensor, count: int) -> None:
    name, elements = request.names[Role.SCALE], tensor.numel()
    is_list = tensor.dim() == 1 and not holds(tensor.stride(0) != 1)
    if holds(elements != 1) and (holds(elements != count) or not is_list):
        request.refuse(
            f"{name} has {elements} elements; allowed: 1, or a list of {count}, one for each "
            "expert; give those"
        )


def _check_devices(request: Request) -> None:
    device = request.input.device
    for role in TENSORS:
        tensor = request.tensor(role)
        if tensor is not None and tensor.device != device:
            request.refuse(
                f"{request.names[role]} is on {tensor.device} and input on {device}; "
                "allowed: one device; move them together"
            )
