"""Print the signatures of names of a package, as JSON; see test_names.py.

Usage: python names_of.py vllm|sglang|transformers '{"module": ["name", "Class.method"]}'
"""

from __future__ import annotations

import importlib
import inspect
import json
import sys
from types import SimpleNamespace
from typing import Any

SIZES = {"hidden_size": 256, "num_experts": 2, "moe_intermediate_size": 128, "hidden_act": "silu"}
# What is made, since attributes of its instances are asked for.
MADE = {
    "FP8Experts": lambda made: made(SimpleNamespace(**SIZES), (128, 128)),
    "FP8Linear": lambda made: made(256, 256, (128, 128)),
}


def parameters(found: Any) -> list[str] | None:  # noqa: ANN401 -- whatever has the name
    """Return a function's parameters, or None of what is no function."""
    function = found.fget if isinstance(found, property) else found
    if isinstance(function, type) or not callable(function):
        return None
    stars = {inspect.Parameter.VAR_POSITIONAL.name: "*", inspect.Parameter.VAR_KEYWORD.name: "**"}
    return [
        stars.get(parameter.kind.name, "") + name
        for name, parameter in inspect.signature(function).parameters.items()
    ]


def main() -> None:
    package, asked = sys.argv[1], json.loads(sys.argv[2])
    if package == "vllm":
        # Modules of vLLM's take operators on import that a CPU's build has not.
        from opparity.integrations.vllm import operators  # noqa: PLC0415 -- with vLLM alone
        from opparity.integrations.vllm.plugin import platform_of_vllm  # noqa: PLC0415

        platform_of_vllm()
        names = operators.of_vllm()
        library = operators.define(names.keys() - operators.present(names).keys())
        assert library is not None
    said: dict[str, dict[str, list[str] | None]] = {}
    for module, wanted in asked.items():
        imported = importlib.import_module(module)
        for name in wanted:
            owner, _, last = name.rpartition(".")
            if owner in MADE:
                getattr(MADE[owner](getattr(imported, owner)), last)
                said.setdefault(module, {})[name] = None
                continue
            if owner:
                # As it stands in the class or those it inherits from; a property as itself.
                found = inspect.getattr_static(getattr(imported, owner), last)
            else:
                found = getattr(imported, last)
            if isinstance(found, classmethod | staticmethod):
                found = found.__func__
            said.setdefault(module, {})[name] = parameters(found)
    sys.stdout.write(f"\nRESULT {json.dumps(said)}\n")


if __name__ == "__main__":
    main()
