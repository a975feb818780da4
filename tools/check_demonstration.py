"""Show the checker at work: vLLM #38750 in small, then a release that really had the defect.

The three trees are the pull request's stages: nothing guarded; a draft that tests IS_ROCM, a macro
that nobody defines; and the repair, which tests USE_ROCM.
The release is vLLM 0.8.5, whose `cutlass_mla_decode` is registered for ROCm and built for CUDA
only (vLLM #17289). It is fetched as pip is configured to fetch, and nothing of it is executed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from fetch_sdist import NotFetched, fetch

ROOT = Path(__file__).parents[1]
STAGES = {
    "tests/projects/vllm_38750_unguarded": 1,
    "tests/projects/vllm_38750_guarded_by_is_rocm": 1,
    "tests/projects/vllm_38750_guarded_by_use_rocm": 0,
}
RELEASE = ("vllm", "0.8.5")
SYMBOL = "cutlass_mla_decode"


def check(path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run `opparity check` on a tree."""
    command = [sys.executable, "-m", "opparity", "check", str(path), *options]
    return subprocess.run(command, check=False, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def show(path: Path) -> int:
    """Print a check's report and return its exit status."""
    print(f"$ opparity check {path}", flush=True)
    started = time.perf_counter()
    completed = check(path)
    seconds = time.perf_counter() - started
    print(completed.stdout)
    print(f"exit status {completed.returncode}, {seconds:.1f} s\n", flush=True)
    return completed.returncode


def check_release() -> bool:
    """Check the release; tell whether what is known of it was found, or it cannot be fetched."""
    name, version = RELEASE
    try:
        archive = fetch(name, version, ROOT / ".cache/sdists")
    except NotFetched as error:
        print(f"The check of {name} {version} is left out: no index can be reached ({error}).")
        return True
    path = archive.relative_to(ROOT)
    show(path)
    report = json.loads(check(path, "--output-format", "json").stdout)
    found = {
        (each["symbol"], each["platform"])
        for each in report["findings"]
        if each["severity"] == "error"
    }
    if (SYMBOL, "rocm") not in found:
        print(f"{SYMBOL} on rocm should be an error in {name} {version}", file=sys.stderr)
        return False
    return True


def main() -> int:
    """Run the whole demonstration; 0 when everything came out as it should."""
    as_expected = True
    for stage, expected in STAGES.items():
        status = show(Path(stage))
        if status != expected:
            print(f"{stage}: exit status {status}, and {expected} was due", file=sys.stderr)
            as_expected = False
    return 0 if check_release() and as_expected else 1


if __name__ == "__main__":
    sys.exit(main())
