"""`python -m opparity.operators.embed_sources OUTPUT FOLDER...`: GPU sources as C++, for CMake.

The library carries them, and compiles them where it runs. FOLDER is where `#include "..."` looks.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ENTRY = "native/gpu/kernel.h"
# Which of these a variant needs is said by a macro.
FOLDERS = ("native/contract", "native/formats", "native/producers")
# No GPU includes it.
HOST = "native/platforms/host.h"
# The one header of the standard library that sources may include, and where ours lies.
STANDARD = {"cstdint": "native/gpu/cstdint.h"}

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)
_DELIMITER = "opparity"


def main() -> None:
    """Write the file."""
    output, *folders = map(Path, sys.argv[1:])
    output.write_text(data(collect(folders)), encoding="utf-8")


def collect(folders: list[Path]) -> dict[str, str]:
    """Return the text of each source by the name that it is included by.

    Raises:
        SystemExit: for an include that is not there, or that no GPU compiler has.
    """
    waiting = [ENTRY]
    for folder in FOLDERS:
        found = {path.name for root in folders for path in (root / folder).glob("*.h")}
        waiting += [f"{folder}/{name}" for name in sorted(found)]
    sources: dict[str, str] = {}
    while waiting:
        name = waiting.pop()
        if name in sources:
            continue
        sources[name] = _read(STANDARD.get(name, name), folders)
        for quoted, standard in _INCLUDE.findall(sources[name]):
            if standard and standard not in STANDARD:
                allowed = ", ".join(STANDARD)
                sys.exit(f"{name} includes <{standard}>; allowed in GPU sources: {allowed}")
            if quoted != HOST:
                waiting.append(quoted or standard)
    return dict(sorted(sources.items()))


def _read(name: str, folders: list[Path]) -> str:
    for folder in folders:
        if (folder / name).is_file():
            return (folder / name).read_text("utf-8")
    sys.exit(f"{name} is included by GPU sources and is in none of {', '.join(map(str, folders))}")


def data(sources: dict[str, str]) -> str:
    """Return C++ that defines `embedded_sources`."""
    lines = [
        "// Written by `python -m opparity.operators.embed_sources`.",
        '#include "native/gpu/embedded_sources.h"',
        "",
        "namespace opparity {",
        "namespace {",
        "",
        "constexpr EmbeddedSource kSources[] = {",
    ]
    for name, text in sources.items():
        if f"){_DELIMITER}" in text:
            sys.exit(f"{name} has `){_DELIMITER}`, which ends a text; write it otherwise")
        lines.append(f'    {{"{name}", R"{_DELIMITER}({text}){_DELIMITER}"}},')
    return "\n".join(
        [
            *lines,
            "};",
            "",
            "}  // namespace",
            "",
            "std::span<const EmbeddedSource> embedded_sources() { return kSources; }",
            "",
            "}  // namespace opparity",
            "",
        ]
    )


if __name__ == "__main__":
    main()
