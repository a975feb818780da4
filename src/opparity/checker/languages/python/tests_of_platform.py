"""Python's tests as conditions: `is_cuda()`, `hasattr(torch.ops.X, "y")`, `torch.version.hip`."""

from __future__ import annotations

import ast

from opparity.checker.facts.conditions import (
    ALWAYS,
    NEVER,
    UNDECIDED,
    Condition,
    Predicate,
    conjunction,
    disjunction,
    negation,
)

# Words that name a platform in an enumeration's member, a device's type or a predicate's name.
PLATFORM_WORDS = {
    "cuda": ("cuda",),
    "nvidia": ("cuda",),
    "rocm": ("rocm",),
    "hip": ("rocm",),
    "amd": ("rocm",),
    "cpu": ("cpu",),
    "xpu": ("xpu",),
    "npu": ("npu",),
    "hpu": ("hpu",),
    "tpu": ("tpu",),
    "mlu": ("mlu",),
    "musa": ("musa",),
    "mps": ("mps",),
    "cuda_alike": ("cuda", "rocm"),
}
_VERSIONS = {
    "torch.version.hip": ("rocm",),
    "torch.version.cuda": ("cuda",),
    "torch.version.xpu": ("xpu",),
    "torch_version.hip": ("rocm",),
}
_AVAILABLE = {
    "torch.cuda.is_available": ("cuda", "rocm"),
    "torch.xpu.is_available": ("xpu",),
    "torch.npu.is_available": ("npu",),
    "torch.mps.is_available": ("mps",),
    "torch.backends.mps.is_available": ("mps",),
}
# What is said of a tensor: `x.is_cuda`, which is true on ROCm as well.
_TENSORS = {
    "is_cuda": ("cuda", "rocm"),
    "is_xpu": ("xpu",),
    "is_npu": ("npu",),
    "is_mps": ("mps",),
    "is_musa": ("musa",),
}
# Stands first in the condition of an assertion, or of what a `raise` lets through.
ASSERTED = Predicate("asserted")
_ALWAYS_TRUE = frozenset({"bool", "callable"})


def on(platforms: tuple[str, ...]) -> Condition:
    """Return the condition that the process runs on one of the platforms."""
    return disjunction(*(Predicate("platform", (platform,)) for platform in platforms))


def tensor_on(attribute: str) -> Condition:
    """Return what `x.is_cuda` says: nothing but that such tensors can be on other platforms not."""
    platforms = _TENSORS.get(attribute)
    return Predicate("tensor_on", platforms) if platforms else UNDECIDED


def dotted(node: ast.AST) -> str:
    """Return `a.b.c` for a chain of names; "" for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    parts.append(node.id)
    return ".".join(reversed(parts))


def operator_named(name: str) -> tuple[str, str, str] | None:
    """Return (library, operator, overload) of `torch.ops.library.operator[.overload]`."""
    if not name.startswith("torch.ops."):
        return None
    parts = name.split(".")
    if not 4 <= len(parts) <= 5:  # noqa: PLR2004 -- torch.ops.a.b.c
        return None
    return parts[2], parts[3], parts[4] if len(parts) > 4 else ""  # noqa: PLR2004 -- an overload


def condition_of(node: ast.expr, inside: str) -> Condition:
    """Return whether an expression is true, as a condition over atoms.

    Names are left as `variable` and `function` atoms with the function they stand in:
    they are looked up when every file is known.
    """
    match node:
        case ast.Constant(value):
            return ALWAYS if value else NEVER
        case ast.BoolOp(ast.And(), values):
            return conjunction(*(condition_of(value, inside) for value in values))
        case ast.BoolOp(ast.Or(), values):
            return disjunction(*(condition_of(value, inside) for value in values))
        case ast.UnaryOp(ast.Not(), operand):
            return negation(condition_of(operand, inside))
        case ast.NamedExpr(_, value):
            return condition_of(value, inside)
        case ast.IfExp(test, body, orelse):
            chosen = condition_of(test, inside)
            return disjunction(
                conjunction(chosen, condition_of(body, inside)),
                conjunction(negation(chosen), condition_of(orelse, inside)),
            )
        case ast.Tuple([first, *_]):
            # `return False, "reason"`: callers unpack it; the first element is the answer.
            return condition_of(first, inside)
        case ast.Compare(left, [kind], [right]):
            return _comparison(left, kind, right, inside)
        case ast.Call():
            return _call(node, inside)
        case _:
            return _name(node, inside)


def _name(node: ast.expr, inside: str) -> Condition:
    name = dotted(node)
    if name in _VERSIONS:
        return on(_VERSIONS[name])
    if name.rpartition(".")[2] == "TYPE_CHECKING":
        return NEVER
    if operator_named(name):
        return ALWAYS
    return Predicate("variable", (name, inside)) if name else UNDECIDED


def _call(node: ast.Call, inside: str) -> Condition:
    name = dotted(node.func)
    if name == "hasattr" and len(node.args) == 2:  # noqa: PLR2004 -- hasattr(object, name)
        return _has_attribute(node.args[0], node.args[1])
    if name in _ALWAYS_TRUE and node.args:
        return condition_of(node.args[0], inside)
    if name in _AVAILABLE:
        return on(_AVAILABLE[name])
    return Predicate("function", (name, inside)) if name else UNDECIDED


def _has_attribute(owner: ast.expr, name: ast.expr) -> Condition:
    if not (isinstance(name, ast.Constant) and isinstance(name.value, str)):
        return UNDECIDED
    library = dotted(owner)
    if library == "torch.ops":
        # torch makes a namespace for any name that is asked for: this is always true.
        return Predicate("hasattr", (name.value,))
    if library.startswith("torch.ops.") and library.count(".") == 2:  # noqa: PLR2004 -- a.b.c
        return Predicate("hasattr", (f"{library.removeprefix('torch.ops.')}::{name.value}",))
    return UNDECIDED


def _comparison(left: ast.expr, kind: ast.cmpop, right: ast.expr, inside: str) -> Condition:
    if isinstance(right, ast.Constant) and right.value is None:
        present = _name(left, inside)
        if dotted(left) in _VERSIONS:
            return negation(present) if isinstance(kind, ast.Is | ast.Eq) else present
        return UNDECIDED
    if dotted(left).rpartition("device.")[2] == "type" and isinstance(right, ast.Constant):
        there = tensor_on(f"is_{right.value!s}")
        return negation(there) if isinstance(kind, ast.NotEq) else there
    platforms = _platforms_named(left, right)
    if platforms is None:
        return UNDECIDED
    match kind:
        case ast.Eq() | ast.Is() | ast.In():
            return on(platforms)
        case ast.NotEq() | ast.IsNot() | ast.NotIn():
            return negation(on(platforms))
        case _:
            return UNDECIDED


def _platforms_named(left: ast.expr, right: ast.expr) -> tuple[str, ...] | None:
    """Return what `self._enum == PlatformEnum.CUDA` compares with; None if it is no platform."""
    subject = dotted(left).rpartition(".")[2].lower()
    if not subject.endswith(("_enum", "platform", "target_device")):
        return None
    members = right.elts if isinstance(right, ast.Tuple | ast.List | ast.Set) else [right]
    found: list[str] = []
    for member in members:
        word = _member_word(member)
        if word not in PLATFORM_WORDS:
            return ("",)
        found.extend(PLATFORM_WORDS[word])
    return tuple(found)


def _member_word(node: ast.expr) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value.lower()
    return dotted(node).rpartition(".")[2].lower()
