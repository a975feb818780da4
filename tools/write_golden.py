"""Write every operator's golden digests, from its reference: python tools/write_golden.py.

Only a change of the numerics contract may change them; the changelog then says so.
"""

from __future__ import annotations

import json

import torch

from opparity import load, providers
from opparity.operators import OPERATORS
from opparity.operators.case_calls import call
from opparity.operators.cases import cases
from opparity.verification import GOLDEN, digests


def main() -> None:
    """Run the reference and write the file."""
    load()
    operators = {operator.qualified_name: operator for operator in OPERATORS}
    golden: dict[str, dict[str, dict[str, str]]] = {}
    with providers(force="reference"):
        for case in cases():
            result = call(case, operators[case.operator], torch.device("cpu"))
            golden.setdefault(case.operator, {})[case.name] = digests(*result)
    GOLDEN.write_text(_text(golden), encoding="utf-8")
    print(f"{GOLDEN}: {len(cases())} cases of {len(golden)} operators")


def _text(golden: dict[str, dict[str, dict[str, str]]]) -> str:
    """Return JSON with a line for each case, so that a change shows which."""
    blocks = [
        f" {json.dumps(operator)}: {{\n"
        + ",\n".join(f"  {json.dumps(name)}: {json.dumps(each)}" for name, each in listed.items())
        + "\n }"
        for operator, listed in golden.items()
    ]
    return "{\n" + ",\n".join(blocks) + "\n}\n"


if __name__ == "__main__":
    main()
