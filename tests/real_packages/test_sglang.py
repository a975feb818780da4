"""SGLang finds the plugin by itself, and its own modules then call Opparity's functions."""

from __future__ import annotations

import json

from real_packages.packages import FOLDER, run

SCRIPT = "tests/real_packages/sglang_hooks.py"
PATHS = [str(FOLDER / "sglang")]


def test_the_three_functions_are_ours_in_sglangs_modules() -> None:
    ended = run(PATHS, SCRIPT, OPPARITY_SGLANG="all")
    assert json.loads(ended.after("RESULT ")) == {
        "masked": True,
        "written": 16,
        "contiguous": True,
        "group": True,
        "calls": {"masked": 1, "contiguous": 1, "group": 1},
        "registered": "opparity.integrations.sglang.kernels.silu_and_mul_masked",
    }


def test_a_mistake_ends_the_process_though_sglang_catches_errors() -> None:
    ended = run(PATHS, SCRIPT, OPPARITY_SGLANG="mask")
    assert ended.status == 1
    assert "opparity: OPPARITY_SGLANG is 'mask', where 'mask' is unknown" in ended.said


def test_unasked_nothing_is_replaced() -> None:
    ended = run(PATHS, SCRIPT)
    # SGLang's own is compiled for a GPU when it is first called.
    assert ended.status == 1
    assert "opparity/integrations/sglang/kernels.py" not in ended.said
