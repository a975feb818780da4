"""How a function refuses what no operator can be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import torch

from opparity.errors import ArgumentRefused, OpparityError

if TYPE_CHECKING:
    from collections.abc import Callable


def kind_of(given: object) -> str:
    """Return what something of a wrong type is called in a refusal."""
    return "None" if given is None else f"of type {type(given).__name__}"


def call_as(
    function: str,
    operator: str,
    call: Callable[..., Any],
    /,
    *positional: Any,  # noqa: ANN401 -- whatever the call takes
    **named: Any,  # noqa: ANN401 -- the same
) -> Any:  # noqa: ANN401 -- and returns
    """Call what refuses in the name of an operator; the refusal names the user's function instead.

    While torch.compile traces, the operator is named: the error is torch's own then.
    """
    if torch.compiler.is_compiling():
        return call(*positional, **named)
    try:
        return call(*positional, **named)
    except OpparityError as error:
        if error.values.get("operator") != operator:
            raise
        raise type(error)(**{**error.values, "operator": function}) from None
    except RuntimeError as error:
        # The native library's own; any other error does not begin so.
        text = str(error)
        if not text.startswith(f"{operator}: "):
            raise
        raise RuntimeError(f"{function}{text.removeprefix(operator)}") from None


def refuse(operator: str, detail: str) -> NoReturn:
    """Raise ArgumentRefused; while torch.compile traces, a ValueError with the same words.

    torch.compile traces no error that makes its message itself, and would show its own words.
    """
    if torch.compiler.is_compiling():
        raise ValueError(f"{operator}: {detail}")
    raise ArgumentRefused(operator=operator, detail=detail)
