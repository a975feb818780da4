"""How a schema and the function that is bound to it differ, each as a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.analysis.schemas import (
    arguments_of,
    returned_by,
    returned_types,
    unreadable_in,
)
from opparity.checker.analysis.types import (
    category,
    refused_by_torch,
    returned_categories,
    schema_category,
    schema_returned_category,
)
from opparity.words.statements import state

if TYPE_CHECKING:
    from opparity.checker.facts.native import BoxedFunction, Registration, Signature
    from opparity.words.statements import Statement, Value


def misuse(schema: str, function: BoxedFunction, registration: Registration) -> Statement | None:
    """Return how a boxed function uses its stack otherwise than the schema says."""
    arguments, returned = arguments_of(schema), returned_by(schema)
    if arguments is None or returned is None:
        return None
    values: dict[str, Value] = {"operator": "", "symbol": registration.symbol}
    if function.reads > max(len(arguments), function.writes):
        return state("DEF002.read", given=len(arguments), read=function.reads, **values)
    if function.writes != returned:
        return state("DEF002.written", returned=returned, written=function.writes, **values)
    return None


def disagreement(
    operator: str, symbol: str, schema: list[str] | None, signature: Signature
) -> Statement | None:
    """Return how a schema and a signature differ; None where they agree or it is not known."""
    if schema is None:
        return None
    named = {"symbol": symbol} if symbol else {}
    if len(schema) != len(signature.parameters):
        return state(
            "DEF002.count" if symbol else "DEF002.lambda_count",
            operator=operator,
            schema=len(schema),
            parameters=len(signature.parameters),
            **named,
        )
    for index, (argument, parameter) in enumerate(zip(schema, signature.parameters, strict=True)):
        kinds = schema_category(argument), category(parameter.type)
        if all(kinds) and kinds[0] != kinds[1]:
            return state(
                "DEF002.kind" if symbol else "DEF002.lambda_kind",
                operator=operator,
                number=index + 1,
                argument=argument,
                parameter=parameter.type,
                **named,
            )
    return None


def difference_of_returns(
    operator: str, symbol: str, schema: str, signature: Signature
) -> Statement | None:
    """Return that a function returns something else than its schema says, where both are known."""
    types, returned = returned_types(schema), returned_categories(signature.return_type)
    if types is None or returned is None or "..." in types:
        return None
    # A name may stand behind the type: `(Tensor values, Tensor indices)`.
    wanted = [schema_returned_category(each.split()[0]) for each in types]
    if len(wanted) == len(returned) and not any(
        one and one != other for one, other in zip(wanted, returned, strict=True)
    ):
        return None
    return state(
        "DEF002.returned",
        operator=operator,
        schema=schema.rpartition("->")[2].strip(),
        symbol=symbol,
        returned=signature.return_type,
    )


def refused(operator: str, schema: str) -> Statement | None:
    """Return what of a schema torch's parser refuses; None where it takes it or may."""
    found = unreadable_in(schema)
    if found == ",":
        return state("DEF002.comma", operator=operator)
    return state("DEF002.word", operator=operator, type=found) if found else None


def unsupported(operator: str, symbol: str, signature: Signature) -> Statement | None:
    """Return which type of a function torch's dispatcher has a static assertion against."""
    for number, parameter in enumerate(signature.parameters, 1):
        instead = refused_by_torch(parameter.type)
        if instead:
            values = {"operator": operator, "type": parameter.type, "instead": instead}
            if symbol:
                return state("DEF002.parameter", number=number, symbol=symbol, **values)
            return state("DEF002.lambda_parameter", number=number, **values)
    instead = refused_by_torch(signature.return_type)
    if not instead:
        return None
    values = {"operator": operator, "type": signature.return_type, "instead": instead}
    return state("DEF002.result", symbol=symbol, **values)
