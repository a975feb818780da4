"""Three-valued conditions over an open set of platforms.

A condition is a tree of And, Or and Not over atoms. What an atom means is not decided here:
an environment (`Facts known of one platform`) answers each atom with a Truth, and what nobody
knows stays UNKNOWN through every connective.
"""

from __future__ import annotations

from enum import Enum
from itertools import product
from typing import TYPE_CHECKING, Protocol

from opparity.checker.facts.records import fact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Truth(Enum):
    """Kleene's three values; there is no implicit conversion to bool."""

    FALSE = 0
    UNKNOWN = 1
    TRUE = 2

    def __bool__(self) -> bool:
        raise TypeError("a Truth has three values; compare it with Truth.TRUE or Truth.FALSE")

    def negate(self) -> Truth:
        """Return not-this."""
        return _NEGATED[self]


_NEGATED = {
    Truth.FALSE: Truth.TRUE,
    Truth.UNKNOWN: Truth.UNKNOWN,
    Truth.TRUE: Truth.FALSE,
}


def truth_of(value: object) -> Truth:
    """Return TRUE or FALSE for an ordinary value."""
    return Truth.TRUE if value else Truth.FALSE


def all_of(truths: Iterable[Truth]) -> Truth:
    """Return the conjunction; TRUE for none. The first FALSE ends it."""
    found = Truth.TRUE
    for truth in truths:
        if truth is Truth.FALSE:
            return truth
        if truth is Truth.UNKNOWN:
            found = truth
    return found


def any_of(truths: Iterable[Truth]) -> Truth:
    """Return the disjunction; FALSE for none. The first TRUE ends it."""
    found = Truth.FALSE
    for truth in truths:
        if truth is Truth.TRUE:
            return truth
        if truth is Truth.UNKNOWN:
            found = truth
    return found


@fact
class Constant:
    """A condition that is decided, or that no reader could understand (UNKNOWN)."""

    truth: Truth


@fact
class Defined:
    """`defined(MACRO)`, `#ifdef MACRO`."""

    macro: str


@fact
class Comparison:
    """`left operator right` of a preprocessor expression; operands are macros or numbers.

    `#if MACRO` is the comparison of MACRO with 0 by `!=`.
    """

    left: str
    operator: str
    right: str


@fact
class Predicate:
    """A test of another language, by name: Python's `is_cuda()`, `hasattr`, a variable.

    Attributes:
        name: what is asked, e.g. "is_cuda_alike", "hasattr", "environment", "imported".
        arguments: what it is asked of, e.g. ("_C::silu_and_mul",).
    """

    name: str
    arguments: tuple[str, ...] = ()


@fact
class Not:
    """The negation."""

    operand: Condition


@fact
class And:
    """The conjunction."""

    operands: tuple[Condition, ...]


@fact
class Or:
    """The disjunction."""

    operands: tuple[Condition, ...]


Atom = Defined | Comparison | Predicate
Condition = Constant | Defined | Comparison | Predicate | Not | And | Or

ALWAYS = Constant(Truth.TRUE)
NEVER = Constant(Truth.FALSE)
UNDECIDED = Constant(Truth.UNKNOWN)


class Environment(Protocol):
    """What is known in one place: a source file of a target on a platform, a Python process."""

    def truth(self, atom: Atom) -> Truth:
        """Return what is known of an atom."""
        ...


def negation(condition: Condition) -> Condition:
    """Return not-condition, without double negations."""
    match condition:
        case Constant(truth):
            return Constant(truth.negate())
        case Not(operand):
            return operand
        case _:
            return Not(condition)


def conjunction(*conditions: Condition) -> Condition:
    """Return the And of the conditions, flattened; ALWAYS for none."""
    if len(conditions) == 1:
        return conditions[0]
    operands: dict[Condition, None] = {}
    for condition in conditions:
        parts = condition.operands if isinstance(condition, And) else (condition,)
        operands.update((part, None) for part in parts if part != ALWAYS)
    if NEVER in operands:
        return NEVER
    if not operands:
        return ALWAYS
    return next(iter(operands)) if len(operands) == 1 else And(tuple(operands))


def disjunction(*conditions: Condition) -> Condition:
    """Return the Or of the conditions, flattened; NEVER for none."""
    if len(conditions) == 1:
        return conditions[0]
    operands: dict[Condition, None] = {}
    for condition in conditions:
        parts = condition.operands if isinstance(condition, Or) else (condition,)
        operands.update((part, None) for part in parts if part != NEVER)
    if ALWAYS in operands:
        return ALWAYS
    if not operands:
        return NEVER
    return next(iter(operands)) if len(operands) == 1 else Or(tuple(operands))


def permissive(condition: Condition, *, is_negated: bool = False) -> Condition:
    """Return the weakest condition over platforms that holds wherever this one may hold."""
    match condition:
        case Not(operand):
            return negation(permissive(operand, is_negated=not is_negated))
        case And(operands):
            return conjunction(*(permissive(each, is_negated=is_negated) for each in operands))
        case Or(operands):
            return disjunction(*(permissive(each, is_negated=is_negated) for each in operands))
        case Predicate("platform"):
            return condition
        case Constant(truth) if truth is not Truth.UNKNOWN:
            return condition
        case _:
            return NEVER if is_negated else ALWAYS


class Nowhere:
    """The environment of a platform that no test names."""

    def truth(self, atom: Atom) -> Truth:
        """Return FALSE for every platform, and that nothing else is known."""
        is_platform = isinstance(atom, Predicate) and atom.name in {"platform", "tensor_on"}
        return Truth.FALSE if is_platform else Truth.UNKNOWN


def evaluate(condition: Condition, environment: Environment) -> Truth:
    """Return the condition's truth where the environment answers the atoms."""
    match condition:
        case Constant(truth):
            return truth
        case Not(operand):
            return evaluate(operand, environment).negate()
        case And(operands):
            return all_of(evaluate(operand, environment) for operand in operands)
        case Or(operands):
            return any_of(evaluate(operand, environment) for operand in operands)
        case _:
            return environment.truth(condition)


# Beyond this many undecided atoms an implication is left undecided: 2**8 evaluations at most.
_MOST_CASES = 8


def implies(premise: Condition, conclusion: Condition, environment: Environment) -> Truth:
    """Return whether the conclusion holds wherever the premise does.

    Every case of the atoms that the environment leaves undecided is tried, so `A || !A` holds
    although A is not known.
    """
    whole = disjunction(negation(premise), conclusion)
    direct = evaluate(whole, environment)
    if direct is not Truth.UNKNOWN:
        return direct
    open_atoms = list(
        dict.fromkeys(a for a in atoms(whole) if environment.truth(a) is Truth.UNKNOWN)
    )
    if len(open_atoms) > _MOST_CASES:
        return Truth.UNKNOWN
    outcomes = {
        evaluate(whole, _Case(environment, dict(zip(open_atoms, case, strict=True))))
        for case in product((Truth.TRUE, Truth.FALSE), repeat=len(open_atoms))
    }
    return outcomes.pop() if len(outcomes) == 1 else Truth.UNKNOWN


@fact
class _Case:
    """An environment in which some open atoms are assumed."""

    environment: Environment
    assumed: dict[Atom, Truth]

    def truth(self, atom: Atom) -> Truth:
        """Return the assumed truth, or the environment's."""
        return self.assumed[atom] if atom in self.assumed else self.environment.truth(atom)


def atoms(condition: Condition) -> Iterator[Atom]:
    """Yield every atom of a condition, in order, repetitions included."""
    match condition:
        case Constant():
            return
        case Not(operand):
            yield from atoms(operand)
        case And(operands) | Or(operands):
            for operand in operands:
                yield from atoms(operand)
        case _:
            yield condition


def describe(condition: Condition) -> str:
    """Return the condition as a person would write it in C."""
    match condition:
        case Constant(truth):
            return {Truth.TRUE: "always", Truth.FALSE: "never", Truth.UNKNOWN: "unknown"}[truth]
        case Defined(macro):
            return f"defined({macro})"
        case Comparison(left, "!=", "0"):
            return left
        case Comparison(left, operator, right):
            return f"{left} {operator} {right}"
        case Predicate("expression", (text,)):
            return text
        case Predicate(name, arguments):
            return f"{name}({', '.join(arguments)})"
        case Not(operand):
            inner = describe(operand)
            return f"!({inner})" if isinstance(operand, And | Or | Comparison) else f"!{inner}"
        case And(operands):
            return " && ".join(_bracketed(operand) for operand in operands)
        case Or(operands):
            return " || ".join(_bracketed(operand) for operand in operands)


def _bracketed(condition: Condition) -> str:
    text = describe(condition)
    return f"({text})" if isinstance(condition, And | Or) else text
