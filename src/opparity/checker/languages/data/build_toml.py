"""build.toml of Hugging Face's kernel-builder: backends and their sources, as data."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from opparity.checker import bounds
from opparity.checker.facts.builds import Build, MacroSetting, Source, Target
from opparity.checker.facts.places import Location, problem
from opparity.checker.languages.data.given_up import given_up
from opparity.checker.languages.data.lines import Lines
from opparity.checker.languages.data.toml import TomlRefused, parse_toml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from opparity.checker.facts.platforms import Platform
    from opparity.checker.tree.contents import Tree

# kernel-builder's word for a backend -> the platform, and the macro that its CMake files define.
_BACKENDS = {
    "cuda": ("cuda", "CUDA_KERNEL"),
    "cuda-hipify": ("rocm", "ROCM_KERNEL"),
    "rocm": ("rocm", "ROCM_KERNEL"),
    "cpu": ("cpu", "CPU_KERNEL"),
    "metal": ("mps", "METAL_KERNEL"),
    "xpu": ("xpu", "XPU_KERNEL"),
    "npu": ("npu", "NPU_KERNEL"),
}
_HEADERS = (".h", ".hh", ".hpp", ".cuh", ".inl")
_CAPABILITY = re.compile(r"([0-9]{1,6})\.([0-9]{1,6})[a-z]?(?:\+PTX)?$")
_DEFINE = re.compile(r"-D(?P<name>\w+)(?:=(?P<value>.*))?$")


def read_build_tomls(tree: Tree, platforms: Sequence[Platform]) -> tuple[Build, ...]:
    """Return what each build.toml of a tree makes, for every platform."""
    builds: list[Build] = []
    for path in sorted(tree.files):
        if path.rpartition("/")[2] == "build.toml" and tree.is_readable(path):
            builds.extend(_within_bounds(path, tree.read_text(path), platforms))
    return tuple(builds)


def _within_bounds(path: str, text: str, platforms: Sequence[Platform]) -> list[Build]:
    return bounds.share(
        lambda: list(_read_text(path, text, platforms)), lambda: given_up(path, platforms)
    )


def _read_text(path: str, text: str, platforms: Sequence[Platform]) -> Iterator[Build]:
    try:
        content = parse_toml(text)
    except TomlRefused as error:
        refused = problem(path, "unread.toml", detail=str(error))
        for platform in platforms:
            yield Build(path, platform.label, problems=(refused,))
        return
    kernels = _tables(content.get("kernel"))
    if not kernels:
        return
    lines = Lines(text)
    for platform in platforms:
        target = _target(path, lines, content, platform)
        yield Build(path, platform.label, (target,) if target else ())


def _target(
    path: str, lines: Lines, content: Mapping[str, object], platform: Platform
) -> Target | None:
    """Return the one extension that the file makes on a platform; None where no kernel is."""
    sources: dict[str, Source] = {}
    macros: dict[tuple[str, frozenset[str]], MacroSetting] = {}
    for name, kernel in _tables(content.get("kernel")).items():
        backend = str(kernel.get("backend", kernel.get("language", "cuda")))
        place, macro = _BACKENDS.get(backend, (backend, ""))
        if place != platform.name or not _has_architecture(kernel, platform):
            continue
        line = lines.find(f"[kernel.{name}]") or 1
        for source in _sources(kernel, path, lines, line):
            sources.setdefault(source.path, source)
        if macro:
            macros[macro, frozenset()] = MacroSetting(macro, "", Location(path, line))
        for setting in _flags(kernel, path, line):
            macros.setdefault((setting.name, setting.languages), setting)
    if not sources:
        return None
    torch = _tables({"torch": content.get("torch")}).get("torch", {})
    for source in _sources(torch, path, lines, lines.find("[torch]") or 1):
        sources.setdefault(source.path, source)
    general = _tables({"general": content.get("general")}).get("general", {})
    return Target(
        name=str(general.get("name", posixpath.basename(posixpath.dirname(path)))).replace(
            "-", "_"
        ),
        kind="module",
        sources=tuple(sources.values()),
        location=Location(path, lines.find("[general]") or 1),
        macros=tuple(macros.values()),
    )


def _has_architecture(kernel: Mapping[str, object], platform: Platform) -> bool:
    """Return whether a kernel that names its architectures is built for any that was asked for.

    A CUDA kernel for 8.0 is also built for 8.6: of each asked architecture's major version, the
    newest that is not newer.
    """
    if not platform.architectures:
        return True
    if platform.language == "HIP":
        listed = _texts(kernel.get("rocm-archs"))
        return not listed or bool(set(listed) & set(platform.architectures))
    pairs = [_CAPABILITY.match(text) for text in _texts(kernel.get("cuda-capabilities"))]
    asked = [_CAPABILITY.match(text) for text in platform.architectures]
    if platform.language != "CUDA" or not pairs or None in pairs or None in asked:
        return True
    return any(
        wanted[1] == given[1] and int(wanted[2]) <= int(given[2])
        for wanted in pairs
        for given in asked
        if wanted and given
    )


def _tables(value: object) -> dict[str, Mapping[str, object]]:
    """Return the tables in a table; what is no table is left out."""
    if not isinstance(value, dict):
        return {}
    return {str(name): inner for name, inner in value.items() if isinstance(inner, dict)}


def _texts(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _sources(table: Mapping[str, object], path: str, lines: Lines, line: int) -> Iterator[Source]:
    folder = posixpath.dirname(path)
    for listed in _texts(table.get("src")):
        if not listed.endswith(_HEADERS):
            place = Location(path, lines.find(f'"{listed}"', after=line) or 1)
            yield Source(posixpath.normpath(posixpath.join(folder, listed)), place)


def _flags(table: Mapping[str, object], path: str, line: int) -> Iterator[MacroSetting]:
    languages = {
        "cxx-flags": frozenset({"CXX"}),
        "cuda-flags": frozenset({"CUDA"}),
        "hip-flags": frozenset({"HIP"}),
    }
    for key, compiled in languages.items():
        for flag in _texts(table.get(key)):
            match = _DEFINE.match(flag)
            if match:
                value = match["value"] or ""
                yield MacroSetting(match["name"], value, Location(path, line), compiled)
