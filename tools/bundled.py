"""What a wheel carries that is not this project's own: a list of it, and its licences."""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import torch
import ziglang
from cyclonedx.factory.license import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

LLVM = "Apache-2.0 WITH LLVM-exception"
OWN = "Apache-2.0"


@dataclass(frozen=True, slots=True)
class Bundled:
    """Foreign code within the native library.

    Attributes:
        name: of the component.
        version: of it.
        licence: its SPDX expression.
        text: the licence.
    """

    name: str
    version: str
    licence: str
    text: Path


def bundled() -> list[Bundled]:
    """Return what the compiler links into the library, and what it takes from torch's headers."""
    sources = Path(ziglang.__file__).parent
    version = _clang_version()
    (licence,) = Path(torch.__file__).parents[1].glob("torch-*.dist-info/licenses/LICENSE")
    parts = ("libcxx", "libcxxabi", "libunwind")
    return [
        *(Bundled(each, version, LLVM, sources / "lib" / each / "LICENSE.TXT") for each in parts),
        Bundled("compiler_rt", importlib.metadata.version("ziglang"), "MIT", sources / "LICENSE"),
        Bundled("torch-headers", torch.__version__, "BSD-3-Clause", licence),
    ]


def _clang_version() -> str:
    command = [sys.executable, "-m", "ziglang", "c++", "--version"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"clang version ([\d.]+)", printed)
    if found is None:
        raise SystemExit(f"no version of clang in what {' '.join(command)} prints: {printed!r}")
    return found[1]


def write_contents(information: Path, parts: list[Bundled]) -> None:
    """Write the list and the licences into a wheel's dist-info.

    Args:
        information: the unpacked wheel's folder of that name.
        parts: what it carries.
    """
    name, version = information.name.removesuffix(".dist-info").split("-")
    places = []
    for part in parts:
        place = f"bundled/{part.name}.txt"
        target = information / "licenses" / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(part.text.read_bytes())
        places.append(place)
    metadata = information / "METADATA"
    text = metadata.read_text("utf-8")
    both = " AND ".join(dict.fromkeys([OWN, *(part.licence for part in parts)]))
    lines = "".join(f"License-File: {place}\n" for place in places)
    text = _replaced(text, f"License-Expression: {OWN}\n", f"License-Expression: {both}\n")
    text = _replaced(text, "License-File: LICENSE\n", f"License-File: LICENSE\n{lines}")
    metadata.write_text(text, "utf-8")
    folder = information / "sboms"
    folder.mkdir()
    (folder / f"{name}.cdx.json").write_text(_listed(name, version, parts), "utf-8")


def _replaced(text: str, line: str, by: str) -> str:
    if text.count(line) != 1:
        raise SystemExit(f"the wheel's METADATA has {line!r} {text.count(line)} times, not once")
    return text.replace(line, by)


def _listed(name: str, version: str, parts: list[Bundled]) -> str:
    """Return CycloneDX JSON, the same for the same wheel."""
    licences = LicenseFactory()

    def component(kind: ComponentType, name: str, version: str, licence: str) -> Component:
        text = licences.make_from_string(licence)
        return Component(
            type=kind, name=name, version=version, licenses=[text], bom_ref=f"{name}-{version}"
        )

    whole = component(ComponentType.LIBRARY, name, version, OWN)
    whole.purl = PackageURL("pypi", name=name, version=version)
    contents = [
        component(ComponentType.LIBRARY, part.name, part.version, part.licence) for part in parts
    ]
    bom = Bom(components=contents)
    bom.metadata.component = whole
    bom.metadata.timestamp = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), UTC)
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_URL, f"{name} {version} {[*map(str, parts)]}")
    bom.register_dependency(whole, contents)
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"
