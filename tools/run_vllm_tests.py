"""Run vLLM's own kernel tests with Opparity's operators in the place of vLLM's.

python tools/run_vllm_tests.py SDIST: SDIST is an unpacked vLLM 0.33.0, of which the folders vllm,
tests and csrc are read. Nothing of it is changed or copied. Triton is needed for the references.

The tests run twice: with vLLM's default configuration, in which its activation layers are plain
PyTorch and the operators alone are ours, and with every custom operator of vLLM's switched on.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

TESTS = (
    "core/test_fused_silu_mul_block_quant.py",
    "core/test_activation.py",
    "core/test_layernorm.py",
    "core/test_fused_quant_layernorm.py",
    "test_fused_quant_activation.py",
    "test_relu2_fp8_quant.py",
    "quantization/test_fp8_quant.py",
    "quantization/test_fp8_quant_group.py",
    "quantization/test_per_token_group_quant.py",
    "quantization/test_int8_kernel.py",
    "quantization/test_nvfp4_quant.py",
    "quantization/test_silu_mul_nvfp4_quant.py",
    "moe/test_silu_mul_fp8_quant_deep_gemm.py",
    "moe/test_situ_mul_fp8_quant.py",
    "moe/test_silu_mul_per_token_group_quant_fp8_colmajor.py",
)


def main() -> int:
    """Run the tests; return 0 if those fail that are expected to, and no others."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sdist", type=Path, help="the folder with vllm, tests and csrc")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument(
        "--custom-ops",
        choices=("none", "all"),
        default="none",
        help="whether vLLM's layers call its custom operators; vLLM's own default is none",
    )
    parser.add_argument("--files", nargs="*", default=TESTS, help="of tests/kernels")
    parser.add_argument("--report", type=Path, help="a JSON file with each test's outcome")
    parser.add_argument("-k", dest="keyword", default="", help="pytest's -k")
    given = parser.parse_args()
    if given.device == "cpu":
        # Triton's own interpreter runs the references.
        os.environ |= {"TRITON_INTERPRET": "1", "CUDA_VISIBLE_DEVICES": ""}
    return run(given)


def run(given: argparse.Namespace) -> int:
    """Put the stand-ins and operators in place, and run pytest."""
    import vllm_stand_ins  # noqa: PLC0415 -- after TRITON_INTERPRET

    source = given.sdist.resolve()
    vllm_stand_ins.install(source)
    import pytest  # noqa: PLC0415

    import vllm_expectations  # noqa: PLC0415
    import vllm_operators  # noqa: PLC0415
    import vllm_test_plugin  # noqa: PLC0415

    if given.device == "cpu":
        import vllm_on_cpu  # noqa: PLC0415

        vllm_on_cpu.install()
    mine = vllm_operators.install(source)
    replaced = vllm_operators.replace_functions()
    vllm_operators.call_norms()
    plugin = vllm_test_plugin.Plugin(given.custom_ops)
    kernels = source / "tests" / "kernels"
    options = ["-q", "--noconftest", "-p", "no:cacheprovider", "-p", "no:randomly"]
    options += ["--import-mode=importlib", f"--rootdir={kernels}", "-c", os.devnull, "-W", "ignore"]
    options += ["--tb=short", "--no-header", "-k", given.keyword]
    sys.dont_write_bytecode = True
    code = pytest.main([*options, *(str(kernels / name) for name in given.files)], [plugin])
    print(plugin.summary(kernels))
    print(f"operators of Opparity's in torch.ops._C: {', '.join(mine)}")
    print(f"functions replaced: {', '.join(replaced)}")
    print(f"hollow names met: {', '.join(vllm_stand_ins.hollow_names_met())}")
    if given.report:
        given.report.write_text(json.dumps(plugin.outcomes(), indent=1) + "\n", encoding="utf-8")
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        print(f"pytest ended with {pytest.ExitCode(code).name}")
        return 1
    unexpected = vllm_expectations.surprises(plugin.outcomes(), given.device, given.custom_ops)
    print("\n".join(unexpected) or "nothing is other than tools/vllm_expectations.py says")
    return 1 if unexpected else 0


if __name__ == "__main__":
    sys.exit(main())
