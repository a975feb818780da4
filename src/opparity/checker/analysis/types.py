"""C++ types as text: when two spellings are one type, and what a schema's type is in C++."""

from __future__ import annotations

import re
from functools import lru_cache

from opparity.checker.languages.cpp.parameters import split_arguments

_NAMESPACES = re.compile(r"\b(?:torch::stable|torch::headeronly|torch|at|c10|std|caffe2|cute)::")
_ALIASES = {
    "optional": "optional",
    "ArrayRef<long>": "IntArrayRef",
    "ArrayRef<int64_t>": "IntArrayRef",
    "TensorList": "ArrayRef<Tensor>",
    "long int": "int64_t",
    "long long int": "int64_t",
    "long long": "int64_t",
    "long": "int64_t",
    "unsigned int": "uint32_t",
    "unsigned": "uint32_t",
    "unsigned long": "uint64_t",
    "size_t": "uint64_t",
    "int32_t": "int",
    "signed int": "int",
    "std_string": "string",
}
_CATEGORIES = (
    (re.compile(r"^Tensor$"), "Tensor"),
    (re.compile(r"^(int|int64_t|int32_t|long|SymInt|uint32_t|uint64_t|int16_t|int8_t)$"), "int"),
    (re.compile(r"^(double|float)$"), "float"),
    (re.compile(r"^bool$"), "bool"),
    (re.compile(r"^(string|string_view|char)$"), "str"),
)
# `char` and `int8_t` are torch's index of a device.
_NARROW = frozenset({"int", "short", "int16_t", "uint8_t", "uint16_t", "uint32_t", "uint64_t"})
_SCHEMA_CATEGORIES = {
    "Tensor": "Tensor",
    "int": "int",
    "SymInt": "int",
    "float": "float",
    "bool": "bool",
    "str": "str",
}


@lru_cache(maxsize=20_000)  # vLLM 0.33.0 asks 9,159 times for 1,200 types
def canonical(text: str) -> str:
    """Return a type's text without namespaces, top-level const and spelling variants."""
    text = re.sub(r"\bconst$", "", _NAMESPACES.sub("", text).strip()).strip()
    is_indirect = text.endswith(("&", "*", "]"))
    has_const = bool(re.search(r"\bconst\b", text))
    bare = re.sub(r"\bconst\b", " ", text)
    bare = re.sub(r"\s+", " ", bare).strip()
    bare = re.sub(r" ?([*&<>,]) ?", r"\1", bare)
    head = bare.rstrip("*&[] ")
    tail = bare[len(head) :].replace("[]", "*").replace(" ", "")
    head = _ALIASES.get(head, head)
    # A top-level const is no part of a function's type.
    return f"const {head}{tail}" if has_const and is_indirect else f"{head}{tail}"


def same_type(first: str, second: str) -> bool:
    """Return whether two texts name one type, as far as text can tell.

    Types of different spelling that an alias may join are taken as the same: only the kinds of
    type that are known (tensors, numbers, strings, pointers to them) can differ.
    """
    one, two = canonical(first), canonical(second)
    if one == two:
        return True
    return bool(not (_is_known(one) and _is_known(two)))


def _is_known(text: str) -> bool:
    bare = text.removeprefix("const ").rstrip("*&")
    return bare == "void" or any(expression.match(bare) for expression, _ in _CATEGORIES)


def category(text: str) -> str:
    """Return "Tensor", "int", "float", "bool" or "str" for a C++ type; "" for any other."""
    bare = canonical(text).removeprefix("const ").rstrip("&")
    for expression, name in _CATEGORIES:
        if expression.match(bare):
            return name
    return "str" if bare == "char*" else ""


def returned_categories(text: str) -> tuple[str, ...] | None:
    """Return the category of each value that a C++ function returns; None where not all are known.

    A list has the category of what it holds with `[]` behind it.
    """
    bare = canonical(text).removeprefix("const ").rstrip("&")
    if bare == "void":
        return ()
    inside = _inside(bare, "tuple")
    parts = split_arguments(inside) if inside else (bare,)
    found = tuple(_returned_category(part) for part in parts)
    return found if all(found) else None


def _returned_category(text: str) -> str:
    held = _inside(canonical(text), "vector")
    of_held = category(held) if held else ""
    return f"{of_held}[]" if of_held else category(text)


def _inside(text: str, template: str) -> str:
    """Return what stands between a template's angle brackets; "" for another type."""
    is_so = text.startswith(f"{template}<") and text.endswith(">")
    return text[len(template) + 1 : -1] if is_so else ""


def schema_category(text: str) -> str:
    """Return the category of a schema's argument type; "" for lists and optionals."""
    bare = re.sub(r"\([^)]*+(?:\)|\Z)", "", text).rstrip("!").strip()
    return _SCHEMA_CATEGORIES.get(bare, "")


def schema_returned_category(text: str) -> str:
    """Return the category of a value that a schema returns; "" where it is not known."""
    bare = re.sub(r"\([^)]*+(?:\)|\Z)", "", text).strip()
    held = schema_category(bare.removesuffix("[]")) if bare.endswith("[]") else ""
    return f"{held}[]" if held else schema_category(text)


def refused_by_torch(text: str) -> str:
    """Return what torch's dispatcher takes in the place of a number's type; "" if it takes that.

    It has static assertions for the parameters and results of registered functions, optional ones
    too; a `std::vector<int>` passes them.
    """
    bare = canonical(text).removeprefix("const ").rstrip("&")
    held = _inside(bare, "optional")
    bare = canonical(held) if held else bare
    return "double" if bare == "float" else "int64_t" if bare in _NARROW else ""
