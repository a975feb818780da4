"""What earlier releases did to operators: touched by the change, and others by platform."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from change.change_reports import DRAFT, OPERATOR, REPAIRED, UNGUARDED, inspected, project
from checker.trees_on_disk import write_folder
from opparity.change.tell.releases import relate_releases

if TYPE_CHECKING:
    from pathlib import Path

    from opparity.change.compare.inspection import Inspected
    from opparity.change.model import RelatedChange

NOBODY: frozenset[str] = frozenset()


def told(changes: tuple[RelatedChange, ...]) -> list[tuple[str, str, object, object]]:
    """Return what each release did: its label, what, the platform and the operators."""
    return [
        (
            each.identity,
            reason.key,
            dict(reason.values)["platform"],
            dict(reason.values)["operators"],
        )
        for each in changes
        for reason in each.reasons
    ]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ((UNGUARDED, DRAFT), []),
        ((UNGUARDED, REPAIRED), [(REPAIRED, "related.release_mended", "rocm", (OPERATOR,))]),
        ((REPAIRED, UNGUARDED), [(UNGUARDED, "related.release_broke", "rocm", (OPERATOR,))]),
        (
            (UNGUARDED, REPAIRED, DRAFT),
            [
                (DRAFT, "related.release_broke", "rocm", (OPERATOR,)),
                (REPAIRED, "related.release_mended", "rocm", (OPERATOR,)),
            ],
        ),
        ((UNGUARDED,), []),
    ],
)
def test_a_release_breaks_or_mends_an_operator_newest_first(
    names: tuple[str, ...], expected: list[tuple[str, str, str, tuple[str, ...]]]
) -> None:
    releases = [project(name) for name in names]
    ours = relate_releases(releases, frozenset({OPERATOR}))
    assert (told(ours.direct), told(ours.indirect)) == (expected, [])
    others = relate_releases(releases, NOBODY)
    assert (told(others.direct), told(others.indirect)) == ([], expected)
    assert [each.operators for each in ours.direct] == [(OPERATOR,)] * len(expected)
    (note,) = ours.notes
    assert dict(note.values) == {"count": len(names)}


def test_the_trend_counts_guards_of_platforms() -> None:
    releases = [project(name) for name in (UNGUARDED, DRAFT, REPAIRED, UNGUARDED)]
    trend = relate_releases(releases, NOBODY).trend
    assert [each.period for each in trend] == [DRAFT, REPAIRED, UNGUARDED]
    assert [(each.guards_gained, each.guards_lost) for each in trend] == [(1, 0), (0, 0), (0, 1)]
    assert {(each.operators_gained, each.operators_lost) for each in trend} == {(0, 0)}


SETUP = (
    "from setuptools import setup\nfrom torch.utils.cpp_extension import CUDAExtension\n"
    "setup(ext_modules=[CUDAExtension('demo._C', ['a.cu'])])\n"
)


def release(root: Path, *operators: str, guarded: str = "") -> Inspected:
    """Return a release with operators, one of them for CUDA alone."""
    lines = []
    for name in operators:
        line = f'm.def("{name}(Tensor x) -> Tensor"); m.impl("{name}", torch::kCUDA, &{name});\n'
        lines.append(f"#ifndef USE_ROCM\n{line}#endif\n" if name == guarded else line)
    functions = "".join(
        f"at::Tensor {name}(const at::Tensor& x) {{ return x; }}\n" for name in operators
    )
    source = (
        f"#include <torch/library.h>\n{functions}TORCH_LIBRARY(demo, m) {{\n{''.join(lines)}}}\n"
    )
    setup = f"{SETUP}# torch.version.hip\n"
    write_folder(root, {"setup.py": setup.encode(), "a.cu": source.encode()})
    return inspected(root, root.name)


def test_an_operator_that_comes_or_goes_everywhere_is_told_of_our_own_alone(
    tmp_path: Path,
) -> None:
    releases = [release(tmp_path / "1", "scale"), release(tmp_path / "2", "scale", "shift")]
    gained = relate_releases(releases, NOBODY)
    assert (gained.direct, gained.indirect) == ((), ())
    assert [(each.operators_gained, each.operators_lost) for each in gained.trend] == [(1, 0)]
    lost = relate_releases(releases[::-1], frozenset({"demo::shift"}))
    assert [(each.operators_gained, each.operators_lost) for each in lost.trend] == [(0, 1)]
    assert told(lost.direct) == [
        ("1", "related.release_lost", platform, ("demo::shift",)) for platform in ("cuda", "rocm")
    ]
    assert lost.indirect == ()


def test_an_operator_that_leaves_one_platform_is_told_of_others_too(tmp_path: Path) -> None:
    names = ("scale", "shift")
    releases = [release(tmp_path / "1", *names), release(tmp_path / "2", *names, guarded="shift")]
    found = relate_releases(releases, frozenset({"demo::scale"}))
    assert told(found.direct) == []
    assert told(found.indirect) == [("2", "related.release_lost", "rocm", ("demo::shift",))]
    back = relate_releases(releases[::-1], frozenset({"demo::shift"}))
    assert told(back.direct) == [("1", "related.release_restored", "rocm", ("demo::shift",))]
    assert [(each.guards_gained, each.guards_lost) for each in back.trend] == [(0, 1)]
