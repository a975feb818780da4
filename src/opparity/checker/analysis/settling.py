"""What is known of macros that hang on each other, each worked out once.

Whether a `#define` can hold may hang on another macro of the tree, and that one on the first.
Mooncake's headers have so many of these that to follow each from the start took more than 67 s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import Truth

if TYPE_CHECKING:
    from collections.abc import Callable

# Macros that hang on macros; the longest chain in vLLM, FBGEMM and flashinfer has 4.
_LONGEST_CHAIN = 40


class Settled:
    """What was found of the macros that only the tree defines, with one set of others given.

    A macro that is asked for while it is being worked out is UNKNOWN then, and what hangs on that
    is a guess. Guesses are worked out again for as long as that decides another macro; then they
    hold, since everything that they hang on is what it was taken for.
    """

    def __init__(self) -> None:
        self._known: dict[str, Truth] = {}
        self._open: set[str] = set()
        self._guessed: set[str] = set()
        self._is_guess = False
        self._is_cut_short = False
        self._has_decided = False

    def of(self, name: str, held: Callable[[], Truth]) -> Truth:
        """Return FALSE for a macro whose definitions can't hold, and UNKNOWN otherwise.

        Args:
            name: the macro.
            held: says whether a definition holds, and asks here for what that hangs on.
        """
        known = self._known.get(name)
        if known is not None:
            return known
        is_too_long = len(self._open) > _LONGEST_CHAIN
        if is_too_long or name in self._open or name in self._guessed:
            self._is_cut_short |= is_too_long
            self._is_guess = True
            return Truth.UNKNOWN
        return self._work_out(name, held) if self._open else self._settle(name, held)

    def _settle(self, name: str, held: Callable[[], Truth]) -> Truth:
        """Return what is known of a macro that no other one is asked for."""
        while True:
            self._is_guess = self._is_cut_short = self._has_decided = False
            truth = self._work_out(name, held)
            guessed, self._guessed = self._guessed, set()
            if name in self._known:
                return truth
            if not self._has_decided:
                if not self._is_cut_short:
                    self._known.update(dict.fromkeys(guessed, Truth.UNKNOWN))
                return truth

    def _work_out(self, name: str, held: Callable[[], Truth]) -> Truth:
        before, self._is_guess = self._is_guess, False
        self._open.add(name)
        truth = Truth.FALSE if held() is Truth.FALSE else Truth.UNKNOWN
        self._open.discard(name)
        if self._is_guess and truth is not Truth.FALSE:
            self._guessed.add(name)
            return truth
        # What is FALSE although something was unknown is so whatever that is.
        self._has_decided |= truth is Truth.FALSE
        self._known[name] = truth
        self._is_guess = before
        return truth
