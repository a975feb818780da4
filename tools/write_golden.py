"""Write every operator's golden digests, from its reference: python tools/write_golden.py.

Only a change of the numerics contract may change them; the changelog then says so.
"""

from __future__ import annotations

import json

import torch

from opparity import load, providers
from opparity.operators import OPERATORS
from opparity.operators.selection import resolve
from opparity.verification import digest, golden_path, run


def main() -> None:
    """Run the references and write the files."""
    load()
    for operator in OPERATORS:
        digests = {}
        with providers(force="reference"):
            for case in resolve(operator.cases)():  # type: ignore[attr-defined]
                values, scales = run(case, torch.device("cpu"))
                digests[case.name] = {"values": digest(values), "scales": digest(scales)}
        path = golden_path(operator)
        path.write_text(json.dumps(digests, indent=1) + "\n", encoding="utf-8")
        print(f"{operator.name}: {len(digests)} cases")


if __name__ == "__main__":
    main()
