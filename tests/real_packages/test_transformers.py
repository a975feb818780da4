"""Small models of transformers' real classes are fused, and come back as they were."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# RMSNorm differs by the rounding of a root, and int8 by some percent of a random model's logits.
NORMS_MOVE, INT8_MOVES = 0.005, 0.05
# A norm with a gate rounds once where the model rounds three times, and a router with random
# weights takes another expert for a token now and then.
WITH_GATES, GATED_MOVE, GATED_INT8_MOVES = {"qwen3_next"}, 0.05, 0.2


def test_every_model_is_fused_and_put_back() -> None:
    completed = subprocess.run(
        [sys.executable, ROOT / "tools" / "try_transformers.py"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, completed.stderr
    printed = completed.stdout
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
