"""Small models of transformers' real classes are fused, and come back as they were."""

from __future__ import annotations

import json
import re

import pytest

from opparity.integrations.transformers.table import ROWS, TRIED
from real_packages.packages import run, transformers

VERSIONS = (TRIED[0], TRIED[-1])
# RMSNorm differs by the rounding of a root, and int8 by some percent of a random model's logits.
NORMS_MOVE, INT8_MOVES = 0.005, 0.05
# A norm with a gate rounds once where the model rounds three times, and a router with random
# weights takes another expert for a token now and then.
WITH_GATES, GATED_MOVE, GATED_INT8_MOVES = {"qwen3_next"}, 0.05, 0.2


@pytest.mark.parametrize("version", VERSIONS)
def test_every_model_is_fused_and_put_back(version: str) -> None:
    ended = run(transformers(version), "tools/try_transformers.py")
    assert ended.status == 0, ended.said
    printed = ended.said
    assert ended.after("transformers ").startswith(f"{version}, torch ")
    rows = re.findall(r"^\| (\w+) \| (\d+) \| ([\d.]+) \| ([\d.]+) \|(.*)", printed, re.MULTILINE)
    assert len(rows) >= 15
    for name, replaced, norms, both, line in rows:
        assert int(replaced) >= 5, name
        is_gated = name in WITH_GATES
        assert float(norms) <= (GATED_MOVE if is_gated else NORMS_MOVE), name
        assert float(both) <= (GATED_INT8_MOVES if is_gated else INT8_MOVES), name
        assert "gate" not in line, name
    fp8 = re.findall(r"FP8: (\d+) modules replaced, logits move by ([\d.]+)", printed)
    assert len(fp8) == 2
    for replaced, moved in fp8:
        assert int(replaced) >= 15
        assert 0.01 < float(moved) < 0.15


@pytest.mark.parametrize("version", VERSIONS)
def test_experts_compute_what_their_producers_do(version: str) -> None:
    ended = run(transformers(version), "tests/real_packages/experts_of_transformers.py")
    said = json.loads(ended.after("RESULT "))
    assert said["version"] == version
    (experts,) = (row for row in ROWS if row.name == "FP8Experts")
    known = set(experts.read) - (set(experts.later) if version == TRIED[0] else set())
    # What it reads further would change the result, and nobody here would know.
    assert set(said["read"]) <= known
    found = said["found"]
    softcapped = found.pop("inkling 2")
    assert len(found) == 6
    assert max(found.values()) < 1e-6
    if version == TRIED[0]:
        # It has no such experts, and computes SiLU.
        assert softcapped < 1e-6
    else:
        assert softcapped.startswith("the experts have gate_softcap")
