"""Writes a folder that `kernels` loads: Opparity's functions by the reference, and layers.

A folder of kernels is loaded from wherever it lies, beside other versions of itself, and may import
nothing but torch. So what the functions need of the package is copied, with imports that are
relative and a namespace of operators of its own.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import opparity
from opparity.platforms import Platform

# What the folder was tried with, and what it asks for at least.
KERNELS = "0.17.2"
# To be raised when a name or a result of the folder changes.
VERSION = 1
_PACKAGE = Path(opparity.__file__).parent
_LAYERS = "integrations/kernels/layers.py"
# File of the folder -> file of the package that is put there instead of its own.
_REPLACED = {"operators/native_library.py": "integrations/kernels/no_library.py"}
_MODULE = re.compile(r"opparity(?:\.\w+)+")
_IMPORT = re.compile(r"^(\s*)from opparity((?:\.\w+)*) import ", re.MULTILINE)
# Operators, their namespaces and the name that torch.export writes; not `opparity` in a sentence.
_NAMESPACE = re.compile(r'(?<=torch\.ops\.)opparity\b|(?<=")opparity(?=(?:_native)?"|::|\.Quant)')
_BUILD = """[general]
name = "opparity"
version = {version}
edition = 5
license = "Apache-2.0"
backends = [{backends}]

[torch-noarch]
"""


@dataclass(frozen=True, slots=True)
class Variant:
    """What is loaded on one platform.

    Attributes:
        identity: the name of its module in a process, and, without the underscore that it begins
            with, of its operators' namespace.
    """

    platform: Platform
    identity: str

    @property
    def name(self) -> str:
        """Return the name of its folder."""
        return f"torch-{self.platform}"


def write(folder: Path) -> tuple[Variant, ...]:
    """Write a folder of kernels with a variant for each platform.

    Raises:
        FileExistsError: where `build` is there already, since what is old would be loaded too.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "build").mkdir()
    names = ", ".join(f'"{platform}"' for platform in Platform)
    text = _BUILD.format(version=VERSION, backends=names)
    (folder / "build.toml").write_text(text, "utf-8")
    digest = _digest()
    variants = tuple(Variant(p, f"_opparity_{p}_{digest}") for p in Platform)
    for variant in variants:
        _write_package(folder / "build" / variant.name, variant)
    return variants


def _write_package(folder: Path, variant: Variant) -> None:
    for name in sorted(sources()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_rewritten(name, variant.identity), "utf-8")
    metadata = {
        "id": variant.identity,
        "name": "opparity",
        "version": VERSION,
        "license": "Apache-2.0",
        "kernels-minver": KERNELS,
        "python-depends": [],
        "backend": {"type": str(variant.platform)},
    }
    (folder / "metadata.json").write_text(json.dumps(metadata, indent=2) + "\n", "utf-8")


@cache
def sources() -> frozenset[str]:
    """Return the package's files that its functions and the layers need, however they are named."""
    found: set[str] = set()
    waiting = ["__init__.py", _LAYERS]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _named_by(name)
    return frozenset(found)


def _named_by(name: str) -> list[str]:
    """Return the files that a file imports, names in a table, or lies below."""
    modules: set[str] = set()
    for node in ast.walk(ast.parse(_text(name))):
        if isinstance(node, ast.ImportFrom) and node.module:
            modules |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            modules |= set(_MODULE.findall(node.value))
    files = [file for module in modules if (file := _file(module))]
    return files + [str(folder / "__init__.py") for folder in Path(name).parents]


def _file(module: str) -> str | None:
    """Return a module's file within the package, if it is one of the package's modules."""
    package, _, rest = module.partition(".")
    if package != opparity.__name__:
        return None
    place = rest.replace(".", "/")
    for file in (f"{place}.py", str(Path(place) / "__init__.py")):
        if (_PACKAGE / file).is_file():
            return file
    return None


def _text(name: str) -> str:
    return (_PACKAGE / _REPLACED.get(name, name)).read_text("utf-8")


def _rewritten(name: str, identity: str) -> str:
    """Return a file's text as it is in the folder."""
    dots = "." * len(Path(name).parts)
    text = _IMPORT.sub(lambda found: f"{found[1]}from {dots}{found[2][1:]} import ", _text(name))
    text = _NAMESPACE.sub(identity.removeprefix("_"), text)
    text = re.sub(r'(?<=")opparity((?:\.\w+)+)(?=[:"])', lambda m: _named(m, identity), text)
    if name == "__init__.py":
        module = _LAYERS.removesuffix("/layers.py").replace("/", ".")
        text += f"\nfrom .{module} import layers as layers  # noqa: E402\n"
    return text


def _named(found: re.Match[str], identity: str) -> str:
    """Return a module's name in a table as it is in the folder; other strings as they are."""
    return identity + found[1] if _file(found[0]) else found[0]


def _digest() -> str:
    """Return some digits that other sources do not have."""
    digest = hashlib.sha256()
    for name in sorted(sources()):
        digest.update(f"{name}\n{_text(name)}\n".encode())
    return digest.hexdigest()[:12]
