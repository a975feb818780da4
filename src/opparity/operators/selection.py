"""Which implementation serves an operator on a platform, and the reason for each that does not.

This is the only place that knows of absence. Two environment variables, read when operators are
loaded, and the context manager `providers` change the choice for the whole process:

- OPPARITY_FORCE=reference lets nothing but that provider serve;
- OPPARITY_FORBID=native takes it out.
"""

from __future__ import annotations

import importlib
import os
import threading
from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, cast

from opparity.errors import ArgumentRefused, OperatorMissing, ProviderUnknown
from opparity.operators import IMPLEMENTATIONS, PROVIDERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opparity.operators.declaration import Implementation
    from opparity.platforms import Platform


@dataclass(frozen=True, slots=True)
class Selected:
    """An implementation that can serve here."""

    implementation: Implementation


@dataclass(frozen=True, slots=True)
class Refused:
    """An implementation that cannot serve here, and why; perhaps somebody asked for that."""

    implementation: Implementation
    reason: str
    is_asked: bool = False


Decision = Selected | Refused


@dataclass(frozen=True, slots=True)
class Policy:
    """What the user asked for: one provider alone, or some not at all."""

    force: str | None = None
    forbid: frozenset[str] = frozenset()
    origin: str = "default"

    @classmethod
    def from_environment(cls) -> Policy:
        """Read OPPARITY_FORCE and OPPARITY_FORBID."""
        force = os.environ.get("OPPARITY_FORCE", "").strip()
        forbid = os.environ.get("OPPARITY_FORBID", "").split(",")
        return make_policy(
            force or None, [name.strip() for name in forbid if name.strip()], "the environment"
        )

    def objection(self, provider: str) -> str | None:
        """Return why this policy keeps a provider out, or None."""
        if self.force is not None and provider != self.force:
            return f"{self.origin} forces {self.force}"
        if provider in self.forbid:
            return f"{self.origin} forbids it"
        return None


def make_policy(force: str | None, forbid: Iterable[str], origin: str) -> Policy:
    """Return a policy of known providers, or raise ProviderUnknown."""
    if isinstance(forbid, str) or not isinstance(forbid, Iterable):
        names = f"[{forbid!r}]" if isinstance(forbid, str) else "[] for none"
        detail = f"forbid is {forbid!r}; allowed: a list of providers' names; write {names}"
        raise ArgumentRefused(operator=origin, detail=detail)
    forbidden = tuple(forbid)
    for name in (*forbidden, *([] if force is None else [force])):
        if name not in PROVIDERS:
            near = get_close_matches(str(name), PROVIDERS, n=1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise ProviderUnknown(given=name, allowed=", ".join(PROVIDERS) + hint)
    return Policy(force, frozenset(forbidden), origin)


# Held while the policies and what is in force change.
LOCK = threading.RLock()
# A child of a process forked while another thread holds it would wait for it forever.
os.register_at_fork(before=LOCK.acquire, after_in_parent=LOCK.release, after_in_child=LOCK.release)
_policies: list[Policy] = []


def policy() -> Policy:
    """Return the policy in force: the last context manager's to begin, else the environment's."""
    with LOCK:
        if not _policies:
            _policies.append(Policy.from_environment())
        return _policies[-1]


@contextmanager
def providers(*, force: str | None = None, forbid: Iterable[str] = ()) -> Iterator[None]:
    """Force or forbid providers inside the `with` block, in the whole process.

    Of blocks that threads have entered at the same time, the one that began last holds. While the
    first block begins, no other thread may call operators outside of a block: torch's dispatcher
    exchanges kernels in steps.

    Raises:
        ArgumentRefused: at once, for a name in the place of a list.
        ProviderUnknown: at once, for a name that no operator has.
    """
    from opparity.operators import registration, switching  # noqa: PLC0415 -- they need torch

    wanted = make_policy(force, forbid, "opparity.providers")
    with LOCK:
        policy()
        registration.load()
    try:
        with LOCK:
            _policies.append(wanted)
            # Torch may warn here, which can be an error, and a signal may come.
            switching.apply(other_threads_follow=True)
        yield
    finally:
        with LOCK:
            # Another thread's block may have begun since, so that the last is not this one's.
            for place in [i for i, each in enumerate(_policies) if each is wanted]:
                del _policies[place]
            switching.apply()


def decisions(platform: Platform) -> list[Decision]:
    """Return, for each implementation in order of preference, whether it can serve, and why not."""
    return [_decide(implementation, platform) for implementation in IMPLEMENTATIONS]


def select(operator: str, platform: Platform) -> Implementation:
    """Return the first implementation that can serve; it serves every operator.

    Raises:
        OperatorMissing: in an operator's name, with every refusal's reason.
    """
    refusals = []
    for decision in decisions(platform):
        if isinstance(decision, Selected):
            return decision.implementation
        refusals.append(f"{decision.implementation.provider}: {decision.reason}")
    raise OperatorMissing(operator=operator, platform=platform, reasons="; ".join(refusals))


def resolve(reference: str) -> Callable[..., object]:
    """Return what "module:function" names."""
    module, _, name = reference.partition(":")
    return cast("Callable[..., object]", getattr(importlib.import_module(module), name))


def _decide(implementation: Implementation, platform: Platform) -> Decision:
    if platform not in implementation.platforms:
        names = ", ".join(sorted(implementation.platforms))
        return Refused(implementation, f"it is for {names}")
    objection = policy().objection(implementation.provider)
    if objection is not None:
        return Refused(implementation, objection, is_asked=True)
    reason = resolve(implementation.availability)(platform)
    return Selected(implementation) if reason is None else Refused(implementation, str(reason))
