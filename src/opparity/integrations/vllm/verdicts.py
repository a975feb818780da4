"""What a vLLM of some platform gets, operator by operator. Free of torch and vLLM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from opparity.integrations.vllm.table import PARTS, ROWS, TRIED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opparity.integrations.vllm.settings import Settings
    from opparity.integrations.vllm.table import Part, Row
    from opparity.platforms import Platform

PRESENT, REPLACED, DEFINED = "present", "replaced", "defined"
ONLY_ASKED, NOT_DEFINED = "only when asked", "not defined"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of an operator, or of a part of the plugin.

    Attributes:
        name: the operator's in torch.ops._C, or the part's.
        status: "present", "replaced", "defined", "only when asked" or "not defined"; a part is
            "done", "only when asked", "left out" or "not here".
        reason: why, or what it changes.
    """

    name: str
    status: str
    reason: str


def version_objection(version: str) -> str | None:
    """Return why the plugin does nothing in a version of vLLM, or None."""
    if version.partition("+")[0] in TRIED:
        return None
    return (
        f"this is vLLM {version}, and Opparity's plugin was tried in {', '.join(TRIED)} alone; "
        f"nothing of it was installed"
    )


def of_operators(
    platform: Platform, present: Mapping[str, bool], settings: Settings
) -> tuple[Verdict, ...]:
    """Return what becomes of each operator.

    Args:
        platform: vLLM's.
        present: operators that vLLM has already, and whether they take any arguments.
        settings: what was asked for.
    """
    return tuple(_of_operator(row, platform, present, settings) for row in ROWS)


def _of_operator(
    row: Row, platform: Platform, present: Mapping[str, bool], settings: Settings
) -> Verdict:
    if row.name in present:
        if row.name in settings.replaced:
            return Verdict(row.name, REPLACED, "OPPARITY_VLLM asks for it")
        hollow = "the name alone: vLLM defines it without arguments, and no call of it works"
        return Verdict(row.name, PRESENT, "vLLM's own" if present[row.name] else hollow)
    if row.name in settings.defined:
        return Verdict(row.name, DEFINED, "OPPARITY_VLLM asks for it")
    places = row.reached_on(platform)
    if not places:
        return Verdict(row.name, NOT_DEFINED, f"nothing that vLLM runs on {platform} uses it")
    if row.only_asked:
        return Verdict(row.name, ONLY_ASKED, row.only_asked)
    return Verdict(row.name, DEFINED, f"for {', '.join(map(str, places))}")


def of_parts(platform: Platform, settings: Settings) -> tuple[Verdict, ...]:
    """Return what becomes of each part of the plugin beside the operators."""
    return tuple(_of_part(part, platform, settings) for part in PARTS)


def _of_part(part: Part, platform: Platform, settings: Settings) -> Verdict:
    if platform not in part.platforms:
        listed = ", ".join(sorted(part.platforms))
        return Verdict(part.name, "not here", f"{part.what}; it is for {listed}")
    if part.name in settings.parts:
        return Verdict(part.name, "done", part.what)
    if part.only_asked:
        return Verdict(part.name, ONLY_ASKED, f"{part.what}; {part.only_asked}")
    return Verdict(part.name, "left out", f"{part.what}; OPPARITY_VLLM leaves it out")
