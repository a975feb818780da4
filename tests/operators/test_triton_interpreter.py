"""The Triton kernel in Triton's interpreter, which must be chosen before Triton is imported."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SCRIPT = """
import sys, warnings
import torch
from operator_calls import assert_same_bytes, quantise
from opparity.operators.silu_and_mul_per_block_quant.cases import Filling, make_input
from opparity.operators.silu_and_mul_per_block_quant.triton_launch import launch_intermediate

# Infinity minus infinity is NaN, as it must be here; numpy warns of it.
warnings.filterwarnings("ignore", category=RuntimeWarning)
dtype = getattr(torch, sys.argv[1])
compared = 0
for input_dtype in ("float16", "bfloat16", "float32"):
    for filling in [filling for filling in Filling if filling is not Filling.EVERY_GATE]:
        # Three groups where two fill a program, so that one is masked.
        width = 1024 if filling is Filling.SPECIAL else 384
        input = make_input(filling, 2, width, input_dtype, 11)
        for intermediate in ("float32", "input_dtype"):
            for bound in (None, 0.003):
                for group_size in (64, 128):
                    expected = quantise(
                        "reference", input, group_size, dtype=dtype, scale_ub=bound,
                        intermediate=intermediate,
                    )
                    out = torch.zeros(2, width, dtype=torch.uint8).view(dtype)
                    scales = torch.zeros(2, width // group_size)
                    ub = None if bound is None else torch.tensor(bound)
                    launch_intermediate(
                        out, input, scales, group_size, ub, False, intermediate
                    )
                    assert_same_bytes(out, expected[0])
                    assert_same_bytes(scales, expected[1])
                    compared += 1
print(compared)
"""


@pytest.mark.parametrize("dtype", ["float8_e4m3fn", "float8_e4m3fnuz", "int8"])
def test_the_interpreted_kernel_equals_the_reference(dtype: str) -> None:
    completed = subprocess.run(
        [sys.executable, "-c", SCRIPT, dtype],
        env={
            **os.environ,
            "TRITON_INTERPRET": "1",
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, completed.stderr
    assert completed.stdout.strip() == "96"
