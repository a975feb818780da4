"""Extensions that a build script makes, as targets with sources and macros."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from opparity.checker.facts.builds import UNKNOWN_PART, MacroSetting, Source, Target
from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.records import fact
from opparity.checker.languages.compiler_flags import instruction_sets
from opparity.checker.languages.setup_py.arguments import may_be_given
from opparity.checker.languages.setup_py.iteration import items_of, strings_of, wholeness
from opparity.checker.languages.setup_py.linked_libraries import linked_libraries
from opparity.checker.languages.setup_py.tree_paths import ROOT
from opparity.checker.languages.setup_py.values import (
    NONE,
    Choice,
    Collection,
    Known,
    Table,
    Unsure,
    Value,
    truth_of_value,
    weaker,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from opparity.checker.facts.places import Location
    from opparity.checker.facts.platforms import Platform
    from opparity.checker.languages.setup_py.tree_paths import TreePaths

_EXTENSION = re.compile(r"(?:^|\.)(?P<kind>[A-Z]\w*Extension|Extension)$")
_LOADERS = re.compile(r"(?:^|\.)cpp_extension\.(?:load|load_inline)$")
NO_SOURCES = frozenset({"BuildExtension", "CMakeExtension", "RustExtension"})
# The platforms on which torch's own classes can build; every other class builds where it stands.
_PLATFORMS = {
    "CUDAExtension": frozenset({"cuda", "rocm", "musa"}),
    "SyclExtension": frozenset({"xpu"}),
    "MLUExtension": frozenset({"mlu"}),
    "NpuExtension": frozenset({"npu"}),
    "MUSAExtension": frozenset({"musa"}),
}
_DEVICE_SUFFIXES = (".cu", ".hip")
_LANGUAGES = {
    "cxx": frozenset({"CXX"}),
    "nvcc": frozenset({"CUDA", "HIP"}),
    "hipcc": frozenset({"HIP"}),
    "extra_cflags": frozenset({"CXX"}),
    "extra_cuda_cflags": frozenset({"CUDA", "HIP"}),
}
# torch.utils.cpp_extension gives these to every compilation of a ROCm torch (COMMON_HIP_FLAGS).
_HIP_MACROS = (("__HIP_PLATFORM_AMD__", "1"), ("USE_ROCM", "1"), ("HIPBLAS_V2", ""))
_DEFINE = re.compile(r"-(?P<sign>[DU])\s*(?P<name>\w+)(?:=(?P<value>.*))?$", re.DOTALL)


@fact
class Extension:
    """A call that makes an extension, with its arguments evaluated."""

    kind: str
    arguments: list[Value]
    keywords: dict[str, Value]
    built: Truth
    location: Location

    def argument(self, position: int, *names: str) -> Value:
        """Return an argument by position or by name; NONE where it is absent."""
        for name in names:
            if name in self.keywords:
                return self.keywords[name]
        if position < len(self.arguments):
            return self.arguments[position]
        return Unsure("arguments") if may_be_given(self.keywords) else NONE


def extension_kind(name: str) -> str | None:
    """Return the class ("CUDAExtension") or "load" that a dotted name makes extensions with."""
    if _LOADERS.search(name):
        return "load"
    match = _EXTENSION.search(name)
    return match["kind"] if match and match["kind"] not in NO_SOURCES else None


def target_of(
    extension: Extension, platform: Platform, paths: TreePaths, copies: Mapping[str, str]
) -> Target | None:
    """Return the target that an extension is on a platform; None where it cannot be built."""
    sources_value = extension.argument(1, "sources", "cuda_sources")
    if not _filled(sources_value):
        return None
    sources = tuple(_sources(sources_value, extension, paths, copies))
    is_device = any(source.path.endswith(_DEVICE_SUFFIXES) for source in sources)
    allowed = _PLATFORMS.get(extension.kind)
    if extension.kind == "load" and is_device:
        allowed = _PLATFORMS["CUDAExtension"]
    if allowed is not None and platform.name not in allowed:
        return None
    names = [text for text, _, _ in strings_of(extension.argument(0, "name"))]
    folders, libraries = linked_libraries(extension.keywords, paths)
    return Target(
        name=names[0] if names else UNKNOWN_PART,
        kind="jit" if extension.kind == "load" else "module",
        sources=sources,
        location=extension.location,
        macros=tuple(_macros(extension, platform)),
        is_complete=wholeness(sources_value),
        built=extension.built,
        libraries=libraries,
        library_folders=folders,
    )


def is_hollow(extension: Extension) -> bool:
    """Return whether one of torch's extensions is given a list without any source.

    A plain one may be another tool's to build, and then needs none.
    """
    sources = extension.argument(1, "sources")
    items, complete = items_of(sources) if isinstance(sources, Collection) else ((None,), None)
    return extension.kind not in {"load", "Extension"} and not items and complete is Truth.TRUE


def is_known(extension: Extension) -> bool:
    """Return whether an extension's name and its whole list of sources could be worked out."""
    sources = extension.argument(1, "sources")
    named = any(True for _ in strings_of(extension.argument(0, "name")))
    return named and bool(items_of(sources)[0]) and wholeness(sources) is Truth.TRUE


def _filled(value: Value) -> bool:
    return truth_of_value(value) is not Truth.FALSE


def _sources(
    value: Value, extension: Extension, paths: TreePaths, copies: Mapping[str, str]
) -> Iterator[Source]:
    seen: dict[str, Source] = {}
    for text, present, origin in _named(value, paths):
        path = _tree_path(text, paths)
        if path is None:
            continue
        path = _from_above(path, extension.location.path, paths)
        path = copies.get(path, path)
        known = seen.get(path)
        if known is None or known.built.value < present.value:
            seen[path] = Source(path, origin or extension.location, present)
    yield from seen.values()


def _named(value: Value, paths: TreePaths) -> Iterator[tuple[str, Truth, Location | None]]:
    """Yield the strings of a list of sources, each with its presence.

    Of several paths that an entry may be, the only one that the tree has is meant: DeepSpeed's
    builders put another folder before their sources where the package is installed.
    """
    items, _ = items_of(value) if isinstance(value, Collection) else ([], Truth.TRUE)
    for item in items:
        options = list(strings_of(item.value))
        in_tree = [option for option in options if _tree_path(option[0], paths) in paths.files]
        if isinstance(item.value, Choice) and len({text for text, _, _ in in_tree}) == 1:
            text, _, origin = in_tree[0]
            yield text, item.present, origin
        else:
            for text, present, origin in options:
                yield text, weaker(item.present, present), origin
    if not isinstance(value, Collection):
        yield from strings_of(value)


def _tree_path(text: str, paths: TreePaths) -> str | None:
    relative = paths.relative(text)
    if relative in paths.files or text.startswith("/"):
        return relative
    # A script that runs from the root names its sources from there.
    from_root = posixpath.normpath(posixpath.join(ROOT, text))[len(ROOT) + 1 :]
    return from_root if from_root in paths.files else relative


def _from_above(path: str, script: str, paths: TreePaths) -> str:
    """Return a source from a folder above the script, where the script's builder names it so.

    `csrc/kernel.cu` in `package/ops/builder/kernel.py` is `package/csrc/kernel.cu`.
    """
    folder = posixpath.dirname(script)
    while path not in paths.files and folder:
        folder = posixpath.dirname(folder)
        above = posixpath.join(folder, path)
        if above in paths.files:
            return above
    return path


def _macros(extension: Extension, platform: Platform) -> Iterator[MacroSetting]:
    for name, value, is_set in _defined_pairs(extension.argument(99, "define_macros")):
        yield MacroSetting(name, value, extension.location, is_set=is_set)
    for name, _, is_set in _defined_pairs(extension.argument(99, "undef_macros")):
        yield MacroSetting(name, "", extension.location, is_set=is_set, removed=True)
    flags = extension.argument(99, "extra_compile_args")
    if isinstance(flags, Table):
        for key, entry in flags.entries.items():
            languages = _LANGUAGES.get(str(key), frozenset())
            yield from _flag_macros(entry.value, extension.location, languages)
    else:
        yield from _flag_macros(flags, extension.location, frozenset())
    for name in ("extra_cflags", "extra_cuda_cflags"):
        yield from _flag_macros(extension.argument(99, name), extension.location, _LANGUAGES[name])
    if platform.name == "rocm" and extension.kind in {"CUDAExtension", "CppExtension", "load"}:
        for name, value in _HIP_MACROS:
            yield MacroSetting(name, value, extension.location)


def _defined_pairs(value: Value) -> Iterator[tuple[str, str, Truth]]:
    items, _ = items_of(value)
    for item in items:
        parts = [text for text, _, _ in strings_of(item.value)]
        if parts:
            yield parts[0], parts[1] if len(parts) > 1 else "", item.present


def _flag_macros(
    value: Value, location: Location, languages: frozenset[str]
) -> Iterator[MacroSetting]:
    pending = ""
    for text, present, origin in strings_of(value):
        flag = pending + text if pending else text
        pending = text if text in {"-D", "-U"} else ""
        yield from instruction_sets(flag.strip(), origin or location, languages, frozenset())
        match = _DEFINE.match(flag.strip())
        if match:
            yield MacroSetting(
                name=match["name"],
                value=match["value"] or "",
                location=origin or location,
                languages=languages,
                is_set=present,
                removed=match["sign"] == "U",
            )


def text_of(value: Value) -> str:
    """Return a constant text; "" for anything else."""
    return value.value if isinstance(value, Known) and isinstance(value.value, str) else ""
