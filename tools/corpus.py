"""Run the checker on published extensions: the broken trees, the fixed ones, and every release.

    python tools/corpus.py [--cache FOLDER] [--repositories FOLDER] [--only WORD]

Source distributions come from the package index that pip is configured for; broken trees of
projects with a public history come from clones that `--repositories` names (a folder per project).
Nothing of a tree is executed,.
"""

from __future__ import annotations

import argparse
import html
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from opparity.checker.check import Check, check_project
from opparity.checker.matrix import build_matrix
from opparity.checker.platforms import parse_platform
from opparity.checker.project import read_project

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

READABLE = [
    ".c",
    ".cc",
    ".cpp",
    ".cu",
    ".cuh",
    ".cxx",
    ".h",
    ".hip",
    ".hpp",
    ".in",
    ".inl",
    ".mm",
    ".cmake",
    ".json",
    ".py",
    ".toml",
    ".txt",
]
KERNEL = '"csrc/quantization/fused_kernels/fused_silu_mul_block_quant.cu"'


@dataclass(frozen=True, slots=True)
class Expected:
    """An error that a tree must have: the symbol, on a platform ("" for any)."""

    symbol: str
    platform: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """A tree and what is known of it.

    Attributes:
        source: "release NAME VERSION", "commit PROJECT REVISION" or "replay NAME".
        expected: the errors known to be in it; none for a tree that is known to work.
    """

    name: str
    source: str
    expected: tuple[Expected, ...] = ()
    platforms: tuple[str, ...] = ()


VLLM = [
    "0.6.0",
    "0.6.3",
    "0.6.6",
    "0.7.0",
    "0.8.3",
    "0.8.4",
    "0.9.0.1",
    "0.9.1",
    "0.10.0",
    "0.10.1",
    "0.10.2",
    "0.11.0",
    "0.12.0",
    "0.13.0",
    "0.14.0",
    "0.16.0",
    "0.17.0",
    "0.18.0",
    "0.19.0",
    "0.19.1",
    "0.20.0",
    "0.21.0",
    "0.22.0",
    "0.24.0",
    "0.26.0",
    "0.28.0",
    "0.30.0",
    "0.31.0",
    "0.32.0",
    "0.33.0",
]
SUPPORTS = Expected("cutlass_scaled_mm_supports_fp8")
CASES = (
    Case("vLLM #38750", "replay unguarded", (Expected("silu_and_mul_per_block_quant", "rocm"),)),
    Case(
        "its draft, IS_ROCM", "replay IS_ROCM", (Expected("silu_and_mul_per_block_quant", "rocm"),)
    ),
    Case("its fix, USE_ROCM", "replay USE_ROCM"),
    Case("vLLM #17289", "release vllm 0.8.5", (Expected("cutlass_mla_decode", "rocm"),)),
    Case(
        "vLLM #17289, again", "release vllm 0.8.5.post1", (Expected("cutlass_mla_decode", "rocm"),)
    ),
    Case("its fix", "release vllm 0.9.0"),
    Case("vLLM #20513, fixed shape", "release vllm 0.9.2", (), ("cuda:9.0", "cuda:12.0")),
    Case("vLLM #40191, fixed shape", "release vllm 0.20.0", (), ("cuda:8.6", "cuda:12.0")),
    Case("vLLM #14796", "release vllm 0.7.2", (SUPPORTS,)),
    Case("vLLM #14796, again", "release vllm 0.7.3", (SUPPORTS,)),
    Case("its fix", "release vllm 0.8.0"),
    Case("DeepSpeed #7894", "commit DeepSpeed f88d0f8d4^", (Expected("get_block_size", "npu"),)),
    Case("its fix", "commit DeepSpeed f88d0f8d4"),
    Case("exllamav2 softcap_", "commit exllamav2 cba8f6c^", (Expected("softcap_"),)),
    Case("its fix", "commit exllamav2 cba8f6c"),
    Case("exllamav2 sampling_avx2", "commit exllamav2 329087f^", (Expected("softmax_cpu_avx2"),)),
    Case("its fix", "commit exllamav2 329087f"),
    Case("FBGEMM #5325", "commit FBGEMM 191e1724f^", (Expected("remap_indices_update_utils_cpu"),)),
    Case("its fix", "commit FBGEMM 191e1724f"),
    Case("mmcv #1524 (warning)", "commit mmcv e3327ca6^"),
    Case("mmcv #1781", "commit mmcv bdabdffc^", (Expected("deform_conv_forward"),)),
    Case("its fix", "commit mmcv bdabdffc"),
    *(Case(f"vLLM {version}", f"release vllm {version}") for version in VLLM),
)


def index_address() -> str:
    """Return the package index that pip uses on this machine."""
    asked = subprocess.run(
        [sys.executable, "-m", "pip", "config", "get", "global.index-url"],
        capture_output=True,
        text=True,
        check=False,
    )
    address = asked.stdout.strip() or os.environ.get("PIP_INDEX_URL", "")
    if not address:
        raise SystemExit("pip has no index configured: set PIP_INDEX_URL to a simple index")
    return address.rstrip("/")


def release(name: str, version: str, cache: Path) -> Path:
    """Return the folder of a release's source distribution, downloaded if it is not there."""
    folder = cache / f"{name}-{version}"
    if folder.is_dir():
        return folder
    request = urllib.request.Request(  # noqa: S310 -- the address is pip's own
        f"{index_address()}/{name}/",
        headers={"Accept": "application/vnd.pypi.simple.v1+json, text/html;q=0.5"},
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        body, base = answer.read().decode(), answer.url
    if body.lstrip().startswith("{"):
        links = [entry["url"] for entry in json.loads(body)["files"]]
    else:
        links = [html.unescape(link) for link in re.findall(r'href="([^"]+)"', body)]
    wanted = f"{name}-{version}.tar.gz"
    for link in links:
        if link.partition("#")[0].endswith(f"/{wanted}"):
            archive = cache / wanted
            urllib.request.urlretrieve(urllib.parse.urljoin(base, link), archive)  # noqa: S310
            with tarfile.open(archive) as opened:
                opened.extractall(cache, filter="data")
            archive.unlink()
            return folder
    raise SystemExit(f"the index has no {wanted}")


def commit(project: str, revision: str, repositories: Path, cache: Path) -> Path | None:
    """Return a folder with the sources of a commit; None without a clone of the project."""
    clone = repositories / project
    folder = cache / f"{project}-{revision.replace('^', '-parent')}"
    if folder.is_dir():
        return folder
    if not clone.is_dir():
        return None
    git = ["git", "-C", str(clone)]
    listed = subprocess.run(
        [*git, "ls-tree", "-r", revision], capture_output=True, text=True, check=True
    )
    for row in listed.stdout.splitlines():
        meta, path = row.split("\t", 1)
        mode, _, blob = meta.split()
        if mode.startswith("100") and path.endswith(tuple(READABLE)):
            content = subprocess.run(
                [*git, "cat-file", "blob", blob], capture_output=True, check=False
            )
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.stdout)
    return folder


def replay(guard: str, cache: Path) -> Path:
    """Return vLLM 0.20.0 with #38750 put back: the kernel's source for CUDA only."""
    folder = cache / f"replay-{guard}"
    if folder.is_dir():
        return folder
    shutil.copytree(release("vllm", "0.20.0", cache), folder, symlinks=True)
    lists = folder / "CMakeLists.txt"
    text = lists.read_text().replace(f"  {KERNEL}", "", 1)
    first_of_cuda = '    "csrc/minimax_reduce_rms_kernel.cu"'
    lists.write_text(text.replace(first_of_cuda, f"    {KERNEL}\n{first_of_cuda}", 1))
    if guard != "unguarded":
        bindings = folder / "csrc/torch_bindings.cpp"
        text = bindings.read_text()
        start = text.index('  ops.def(\n      "silu_and_mul_per_block_quant(')
        last = "&silu_and_mul_per_block_quant);"
        end = text.index(last, start) + len(last)
        guarded = f"#ifndef {guard}\n{text[start:end]}\n#endif"
        bindings.write_text(text[:start] + guarded + text[end:])
    return folder


def check(folder: Path, platforms: tuple[str, ...]) -> tuple[Check, float, float]:
    """Return the check of a tree, its seconds, and the matrix's share of unknown answers."""
    start = time.perf_counter()
    project = read_project(folder, [parse_platform(name) for name in platforms])
    result = check_project(project)
    seconds = time.perf_counter() - start
    return result, seconds, build_matrix(project).unknown_share


def row(case: Case, folder: Path) -> tuple[str, bool]:
    """Return a table row and whether the tree has exactly the errors it should."""
    result, seconds, share = check(folder, case.platforms)
    errors = [finding for finding in result.findings if finding.severity == "error"]
    found = [
        any(wanted.symbol in f.symbol and wanted.platform in f.platform for f in errors)
        for wanted in case.expected
    ]
    verdict = "found" if case.expected and all(found) else ("missed" if case.expected else "—")
    listed = ", ".join(
        sorted({f"{f.rule} {f.symbol or f.operator} {f.platform}".strip() for f in errors})
    )
    platforms = " ".join(result.platforms)
    cells = (
        case.name,
        case.source,
        platforms,
        verdict,
        len(errors),
        listed or "none",
        len(result.unknowns),
        f"{share:.2%}",
        f"{seconds:.1f}",
    )
    return f"| {' | '.join(map(str, cells))} |", all(found)


def folders(arguments: argparse.Namespace) -> Iterator[tuple[Case, Path | None]]:
    """Yield each case with its tree."""
    makers: dict[str, Callable[..., Path | None]] = {
        "release": lambda name, version: release(name, version, arguments.cache),
        "commit": lambda project, revision: commit(
            project, revision, arguments.repositories, arguments.cache
        ),
        "replay": lambda guard: replay(guard, arguments.cache),
    }
    for case in CASES:
        if arguments.only in f"{case.name} {case.source}":
            kind, *details = case.source.split()
            yield case, makers[kind](*details)


def main() -> int:
    """Check every case and print the table; 1 if a known error was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/opparity-corpus")
    parser.add_argument("--repositories", type=Path, default=Path("clones"))
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    arguments.cache.mkdir(parents=True, exist_ok=True)
    print("| tree | source | platforms | verdict | errors | which | unknown | matrix | seconds |")
    print("| --- | --- | --- | --- | ---: | --- | ---: | ---: | ---: |")
    missed = 0
    for case, folder in folders(arguments):
        if folder is None:
            print(f"| {case.name} | {case.source} | | no clone given | | | | | |", flush=True)
            continue
        text, is_right = row(case, folder)
        missed += not is_right
        print(text, flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
