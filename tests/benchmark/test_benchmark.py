"""`opparity benchmark`: what is timed, what is said of the rest, and the figures' arithmetic."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest
import torch

from opparity.benchmark import peers, picture, report, text, timing
from opparity.benchmark.measurement import Measurement, Row, measure
from opparity.benchmark.peers import Peer
from opparity.benchmark.rows import operators, rows
from opparity.benchmark.workload import Workload
from opparity.errors import PeerRefused
from opparity.formats import RECIPES
from opparity.operators import IMPLEMENTATIONS, reference
from opparity.operators.reference import layouts

if TYPE_CHECKING:
    from torch import Tensor

HERE = Path(__file__).parent
SCHEMA = HERE.parents[1] / "docs" / "schemas" / "benchmark.schema.json"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "opparity", "benchmark", *arguments],
        env={**os.environ, "PYTHONPATH": str(HERE), "TORCHINDUCTOR_COMPILE_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def ours(values: Tensor, input: Tensor, scales: Tensor, workload: Workload) -> None:
    """Compute what the operator does, by the reference."""
    got, by_token = reference.compute(input, workload.facts, workload.parameters, workload.recipe)
    values.copy_(got)
    assert by_token is not None
    scales.copy_(layouts.place(by_token, workload.recipe))


def off_by_one_code(values: Tensor, input: Tensor, scales: Tensor, workload: Workload) -> None:
    ours(values, input, scales, workload)
    values.view(torch.uint8)[0, 0] ^= 1


def failing(*_: object) -> None:
    message = "no kernel image"
    raise RuntimeError(message)


@pytest.fixture(scope="module")
def measured(monkeypatch_module: pytest.MonkeyPatch) -> Measurement:
    monkeypatch_module.setattr(timing, "ROUNDS", 1)
    return measure(
        rows("cpu", quick=True),
        "cpu",
        peers=[Peer("ours", ours), Peer("almost", off_by_one_code), Peer("broken", failing)],
        refused={"absent": "it is not installed"},
        progress=lambda _: None,
    )


@pytest.fixture(scope="module")
def monkeypatch_module() -> object:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


def test_every_implementation_peer_and_baseline_is_timed_or_refused(measured: Measurement) -> None:
    declared = {implementation.provider for implementation in IMPLEMENTATIONS}
    assert declared == set(measured.implementations) | (set(measured.refused) & declared)
    for row in measured.rows:
        assert set(row.microseconds) == {
            *measured.implementations,
            *("copy", "eager", "unfused", "torch.compile", "ours", "almost"),
        }
        assert all(time > 0 for time in row.microseconds.values())
    assert {row.threads for row in measured.rows} == {1, 2}


def test_a_peers_differences_are_counted_and_its_failure_is_said(measured: Measurement) -> None:
    codes = 64 * 2048
    for row in measured.rows:
        assert row.differences["ours"] == "0.000% of values, 0.000% of scales"
        assert row.differences["almost"] == f"{1 / codes:.3%} of values, 0.000% of scales"
        assert row.differences["broken"] == "failed: RuntimeError: no kernel image"


def test_markdown_has_each_ratio_and_each_refusal(measured: Measurement) -> None:
    row = replace(
        measured.rows[0],
        microseconds={"copy": 1000.0, "native": 1500.0, "eager": 6000.0, "ours": 500.0},
    )
    text = report.to_markdown(replace(measured, rows=[row], implementations=["native"]))
    [line] = [line for line in text.splitlines() if line.startswith("| 64 x 2048 | silu_and_mul")]
    assert line.split(" | ")[2:] == ["1.00", "1.50", "1.500", "0.50", "0.500 |"]
    assert "| 64 x 2048 | 1 | 6.00 | 4.000 |" in text
    assert "not timed: absent: it is not installed" in text


def test_json_follows_the_schema(measured: Measurement) -> None:
    schema = json.loads(SCHEMA.read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    document = json.loads(report.to_json(measured))
    jsonschema.Draft202012Validator(schema).validate(document)
    document["rows"][0]["microseconds"]["native"] = 0
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate(document)


def test_the_text_has_each_ratio_and_fits_into_a_narrow_terminal(measured: Measurement) -> None:
    row = replace(
        measured.rows[0],
        threads=1,
        microseconds={"copy": 1000.0, "native": 1500.0, "eager": 6000.0, "ours": 500.0},
    )
    found = text.to_text(replace(measured, rows=[row], implementations=["native"]))
    lines = [" ".join(line.split()) for line in found.splitlines()]
    assert f"{row.name}, {row.variant}, 1 thread" in lines
    assert "ms / copy" in lines
    assert "native 1.50 1.500" in lines
    assert "eager 6.00 6.000" in lines
    assert "ours 0.50 0.500" in lines
    assert "broken beside Opparity: failed: RuntimeError: no kernel image" in " ".join(lines)
    assert "absent: it is not installed" in lines
    assert max(map(len, found.splitlines())) <= text.WIDTH


def test_the_plot_has_lines_over_sizes_and_points_at_one(
    measured: Measurement, tmp_path: Path
) -> None:
    rows = [
        replace(measured.rows[0], moved_bytes=size, microseconds={"copy": 9.0, "native": 10.0})
        for size in (1000, 10_000, 100_000)
    ]
    picture.write(replace(measured, rows=rows), tmp_path / "lines.svg")
    picture.write(replace(measured, rows=rows[:1]), tmp_path / "points.svg")
    lines, points = ((tmp_path / f"{name}.svg").read_text() for name in ("lines", "points"))
    for way in ("copy", "native"):
        label = f"{way}, {report.threads_in_words(rows[0].threads)}" if rows[0].threads else way
        assert f"<!-- {label} -->" in lines
        assert f"<!-- {label} -->" in points
    assert "<!-- bytes that a call reads and writes -->" in lines
    assert f"<!-- GB/s at {rows[0].name} -->" in points


def test_the_names_of_lines_do_not_lie_on_each_other(measured: Measurement, tmp_path: Path) -> None:
    ways = tuple(f"peer {number}" for number in range(8))
    rows = [
        replace(
            measured.rows[0],
            threads=0,
            moved_bytes=size,
            microseconds={way: 10 + 0.01 * number for number, way in enumerate(ways)},
        )
        for size in (1000, 10_000)
    ]
    peers = replace(measured, rows=rows, implementations=(), peers=ways)
    picture.write(peers, tmp_path / "lines.svg")
    text = (tmp_path / "lines.svg").read_text()
    found = re.findall(r"<!-- peer \d -->\s*<g[^>]*translate\(\S+ (\S+)\)", text)
    heights = sorted(map(float, found))
    assert len(heights) == len(ways)
    assert all(second - first > 10 for first, second in pairwise(heights))


def test_ways_run_in_one_order_and_then_the_other_and_medians_count() -> None:
    order: list[str] = []
    durations = {"a": iter((99.0, 3.0, 1.0, 2.0)), "b": iter((99.0, 5.0, 5.0, 50.0))}

    def way(name: str) -> float:
        order.append(name)
        return next(durations[name])

    times = timing.in_turns({name: lambda name=name: way(name) for name in durations}, rounds=3)  # type: ignore[misc]
    assert "".join(order) == "abbaabba"
    assert times == {"a": 2.0, "b": 5.0}


def test_a_graph_holds_calls_on_more_bytes_than_any_cache_has_unless_they_are_tiny() -> None:
    for row in (*rows("cuda", quick=False), *rows("cuda", quick=True)):
        count = timing.calls_of_a_graph(row.moved_bytes)
        assert count in {timing.FEWEST_CALLS, timing.MOST_CALLS} or (
            0 <= timing.GRAPH_BYTES - count * row.moved_bytes < row.moved_bytes
        )


@pytest.mark.parametrize("name", RECIPES)
def test_the_bytes_of_a_row_are_those_of_its_buffers(name: str) -> None:
    for producer in ("silu_and_mul", "identity"):
        for dtype in (torch.bfloat16, torch.float32):
            row = Workload(4, 512, producer=producer, recipe=RECIPES[name], input_dtype=dtype)
            buffers = row.make(torch.device("cpu"), 1)
            tensors = (buffers.inputs[0], *buffers.outputs(0).values())
            assert row.moved_bytes == sum(tensor.nbytes for tensor in tensors)


@pytest.mark.parametrize("row", rows("cpu", quick=False), ids=lambda row: row.variant)
def test_what_came_before_fusion_computes_nearly_the_same(row: Workload) -> None:
    small = replace(row, num_tokens=4, hidden_size=512)
    buffers = small.make(torch.device("cpu"), 1)
    buffers.operator(0)
    values = buffers.outputs(0)["values"]
    buffers.restore_residual(0)
    eager = buffers.baselines()["eager"](0)
    assert isinstance(eager, tuple)
    assert eager[0].shape == values.shape
    # Exact ties, division and log2 move few codes; a wrong formula moves most.
    width = torch.uint8 if values.element_size() == 1 else torch.int16
    same = (eager[0].contiguous().view(width) == values.view(width)).float().mean()
    assert same > 0.9


@pytest.mark.parametrize(("producer", "adds"), [("rms_norm", True), ("gated_rms_norm", False)])
@pytest.mark.parametrize("name", ["none", "fp8_token", "fp8_block", "nvfp4"])
def test_the_bytes_of_a_norms_row_are_those_of_its_buffers(
    name: str, producer: str, *, adds: bool
) -> None:
    row = Workload(4, 512, producer=producer, recipe=RECIPES[name], adds=adds)
    buffers = row.make(torch.device("cpu"), 1)
    assert buffers.weight is not None
    # The sum is written to where the residual was, and counts twice.
    tensors = (buffers.inputs[0], *buffers.others, buffers.weight)
    written = buffers.outputs(0).values()
    assert row.moved_bytes == sum(tensor.nbytes for tensor in (*tensors, *written))


def test_a_peer_of_a_norm_gets_what_is_beside_the_input() -> None:
    seen: dict[str, object] = {}

    def peer(*_: object, **beside: object) -> None:
        seen.update(beside)

    for producer, adds, other in (
        ("rms_norm", True, "residual"),
        ("gated_rms_norm", False, "gate"),
    ):
        buffers = Workload(4, 512, producer=producer, adds=adds).make(torch.device("cpu"), 1)
        seen.clear()
        buffers.peer(peer, 0)
        assert seen == {"weight": buffers.weight, other: buffers.others[0]}


def test_a_residual_is_restored_before_a_peer_is_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(timing, "ROUNDS", 1)
    row = Workload(4, 512, producer="rms_norm", recipe=RECIPES["fp8_token"], adds=True)

    def same(
        values: Tensor, input: Tensor, scales: Tensor, workload: Workload, **beside: Tensor
    ) -> None:
        torch.ops.opparity.add_rms_norm.out(
            *(input, beside["residual"], beside["weight"], str(workload.recipe)),
            values=values,
            scales=scales,
        )

    [measured] = measure(
        [row], "cpu", peers=[Peer("same", same)], refused={}, progress=lambda _: None, threads=[1]
    ).rows
    assert measured.differences["same"] == "0.000% of values, 0.000% of scales, 0.000% of sum"


def test_rows_are_chosen_by_operator_and_recipe() -> None:
    assert {row.operator for row in rows("cuda", quick=False)} == set(operators())
    assert {row.operator for row in rows("cuda", quick=False, operator="quantize")} == {"quantize"}
    chosen = rows("cpu", quick=False, recipe="nvfp4")
    assert chosen
    assert {row.recipe for row in chosen} == {RECIPES["nvfp4"]}


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("json", "it is not of the form module:function"),
        ("no_such_module:f", "no_such_module is not imported"),
        ("json:no_such", "json has no function no_such"),
    ],
)
def test_a_peer_that_is_not_there_is_refused(reference: str, words: str) -> None:
    with pytest.raises(PeerRefused, match=words):
        peers.load_peer(reference)


def test_peers_that_are_not_installed_are_refused_with_the_reason() -> None:
    found, refused = peers.installed_peers()
    assert {peer.name for peer in found} | set(refused) == {*peers.REFUSED, *peers.INSTALLED}
    assert all(refused.values())


def test_the_command_prints_json_and_progress_apart_and_times_a_named_peer() -> None:
    completed = run(
        *("--device", "cpu", "--quick", "--output-format", "json"),
        *("--peer", "test_benchmark:off_by_one_code"),
    )
    assert completed.returncode == 0, completed.stderr
    document = json.loads(completed.stdout)
    assert document["peers"] == ["test_benchmark:off_by_one_code"]
    assert "64 x 2048, silu_and_mul, fp8_block, bfloat16, 1 threads" in completed.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ("--operator", "gelu"),
            "--operator 'gelu' is unknown; choose one of: quantize, silu_and_mul",
        ),
        (("--recipe", "fp6"), "--recipe 'fp6' is unknown; choose one of: fp8_block"),
        (("--peer", "nothing"), "--peer nothing: it is not of the form module:function"),
        (("--plot", "/no/such/folder/p.png"), "its folder does not exist; make the folder"),
    ],
)
def test_a_wrong_option_ends_with_status_2_and_says_what_to_do(
    arguments: tuple[str, ...], words: str
) -> None:
    completed = run("--device", "cpu", "--quick", *arguments)
    assert completed.returncode == 2
    assert words in completed.stderr
    assert completed.stdout == ""


@pytest.mark.gpu
def test_on_a_gpu_the_bars_and_every_implementation_are_timed() -> None:
    completed = run("--device", "cuda", "--quick", "--output-format", "json")
    assert completed.returncode == 0, completed.stderr
    document = json.loads(completed.stdout)
    for row in document["rows"]:
        timed = set(row["microseconds"])
        assert {"copy", "native"} <= timed
        assert ("light" in timed) != ("light" in document["refused"])
    assert any(row["host_microseconds"] for row in document["rows"])


def test_a_row_without_a_bar_leaves_the_ratio_empty() -> None:
    row = Row("1 x 2", "", 8, {"native": 2.0})
    other = Row("2 x 2", "", 16, {"native": 2.0, "copy": 1.0})
    text = report.to_markdown(
        Measurement("device", {"torch": "2"}, [row, other], {}, ["native"], [])
    )
    assert "| 1 x 2 |  |  | 2.00 |  |" in text
    assert "| 2 x 2 |  | 1.00 | 2.00 | 2.000 |" in text
