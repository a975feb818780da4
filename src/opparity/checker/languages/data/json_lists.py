"""Source lists in JSON, with Python's f-strings in them, as just-in-time builders keep them."""

from __future__ import annotations

import ast
import json
import posixpath
import re
from typing import TYPE_CHECKING

from opparity.checker import bounds
from opparity.checker.facts.builds import Build, MacroSetting, Source, Target
from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.places import Location, problem
from opparity.checker.languages.data.given_up import given_up
from opparity.checker.languages.data.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from opparity.checker.facts.platforms import Platform
    from opparity.checker.tree.contents import Tree

_NATIVE = (".cu", ".cpp", ".cc", ".hip", ".c")
# aiter's list has 120.
_MOST_MODULES = 1000
_MOST_CANDIDATES = 300
_DEFINE = re.compile(r"['\"]?-D(?P<name>\w+)(?:=(?P<value>[^'\"]*))?")


def read_json_lists(tree: Tree, platforms: Sequence[Platform]) -> tuple[Build, ...]:
    """Return the modules whose sources a JSON file lists under "srcs", for every GPU platform."""
    builds: list[Build] = []
    by_name: dict[str, list[str]] = {}
    for file in tree.files:
        if file.endswith(_NATIVE):
            by_name.setdefault(posixpath.basename(file), []).append(file)
    for path in sorted(tree.files):
        if not path.endswith(".json") or not tree.is_readable(path):
            continue
        if b'"srcs"' in tree.read(path):
            builds.extend(_within_bounds(path, tree.read_text(path), by_name, platforms))
    return tuple(builds)


def _within_bounds(
    path: str, text: str, by_name: Mapping[str, list[str]], platforms: Sequence[Platform]
) -> list[Build]:
    return bounds.share(
        lambda: list(_read_text(path, text, by_name, platforms)), lambda: given_up(path, platforms)
    )


def _read_text(
    path: str, text: str, by_name: Mapping[str, list[str]], platforms: Sequence[Platform]
) -> Iterator[Build]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        refused = problem(path, "unread.json", detail=str(error))
        for platform in platforms:
            yield Build(path, platform.label, problems=(refused,))
        return
    if not isinstance(content, dict):
        return
    if len(content) > _MOST_MODULES:
        many = problem(path, "unread.modules", count=len(content), most=_MOST_MODULES)
        for platform in platforms:
            yield Build(path, platform.label, problems=(many,))
        return
    lines = Lines(text)
    targets = tuple(
        target
        for name, module in content.items()
        if isinstance(module, dict) and isinstance(module.get("srcs"), list)
        if (target := _target(path, lines, str(name), module, by_name))
    )
    for platform in platforms:
        # The list is a GPU extension's, and such JSON says nothing of other platforms.
        if targets and platform.name in {"cuda", "rocm"} and _is_for(text, platform):
            yield Build(path, platform.label, targets)


def _is_for(text: str, platform: Platform) -> bool:
    """Return whether a list's flags are for the platform: hipcc's flags are ROCm's alone."""
    speaks_of_rocm = "hip" in text.lower() or "amdgpu" in text.lower()
    return speaks_of_rocm == (platform.name == "rocm")


def _target(
    path: str,
    lines: Lines,
    name: str,
    module: Mapping[str, object],
    by_name: Mapping[str, list[str]],
) -> Target | None:
    line = lines.find(f'"{name}"') or 1
    sources: dict[str, Source] = {}
    complete = Truth.TRUE
    listed = module["srcs"]
    for entry in listed if isinstance(listed, list) else []:
        found = _file_of(entry, by_name) if isinstance(entry, str) else None
        if found is None:
            complete = Truth.UNKNOWN
        elif found not in sources:
            at = lines.find(posixpath.basename(found), after=line) or line
            sources[found] = Source(found, Location(path, at))
    if not sources:
        return None
    generated = module.get("blob_gen_cmd") not in (None, "", "''")
    return Target(
        name=str(module.get("md_name", name)).strip("'\""),
        kind="jit",
        sources=tuple(sources.values()),
        location=Location(path, line),
        macros=tuple(_macros(module, Location(path, line))),
        is_complete=Truth.UNKNOWN if generated else complete,
    )


def _file_of(entry: str, by_name: Mapping[str, list[str]]) -> str | None:
    """Return the one file of the tree whose path ends as an entry's constant end does."""
    end = _constant_end(entry)
    candidates = by_name.get(posixpath.basename(end), ())
    if len(candidates) > _MOST_CANDIDATES:
        return None
    ending = "/" + end.lstrip("/")
    matching = [each for each in candidates if f"/{each}".endswith(ending)]
    return matching[0] if len(matching) == 1 else None


def _constant_end(entry: str) -> str:
    """Return what follows the last replacement field of `f'{FOLDER}/a.cu'`."""
    try:
        node = ast.parse(entry, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return entry
    match node:
        case ast.Constant(str() as whole):
            return whole
        case ast.JoinedStr(values) if values and isinstance(values[-1], ast.Constant):
            return str(values[-1].value)
        case _:
            return entry


def _macros(module: Mapping[str, object], location: Location) -> Iterator[MacroSetting]:
    for key in ("flags_extra_cc", "flags_extra_hip"):
        flags = module.get(key)
        languages = frozenset({"CXX"}) if key.endswith("cc") else frozenset({"HIP", "CUDA"})
        for flag in flags if isinstance(flags, list) else []:
            match = _DEFINE.match(flag) if isinstance(flag, str) else None
            if match:
                yield MacroSetting(match["name"], match["value"] or "", location, languages)
