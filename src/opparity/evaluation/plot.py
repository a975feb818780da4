"""An evaluation as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from opparity.evaluation.variants import Mlps

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

    from opparity.evaluation.report import Circumstances
    from opparity.evaluation.results import Evaluation

COLOURS = {Mlps.BFLOAT16: "#7f7f7f", Mlps.UNFUSED: "#d98c3f", Mlps.FUSED: "#2f6fab"}


def write_plot(evaluation: Evaluation, circumstances: Circumstances, path: Path) -> None:
    """Write quality, speed and the step's cost side by side; the suffix says the format."""
    figure = Figure(figsize=(12, 3.6), layout="constrained")
    quality, speed, cost = figure.subplots(1, 3, sharey=True)
    measurements = evaluation.measurements
    colours = [COLOURS[one.mlps] for one in measurements]
    labels = [
        f"{one.mlps}\n{one.provider or 'PyTorch'}" for one in measurements
    ]

    def draw(axes: Axes, title: str, numbers: list[float], form: str) -> None:
        bars = axes.barh(labels, numbers, color=colours)
        axes.bar_label(bars, [form.format(number) for number in numbers], padding=3, fontsize=8)
        axes.set_title(title, fontsize=10)
        axes.margins(x=0.3)
        axes.spines[["top", "right"]].set_visible(False)

    # On the share, the only tokens that every variant was run on.
    bits = [one.share.bits_per_byte for one in measurements]
    draw(quality, f"bits per byte, {measurements[0].share.tokens:,} bytes", bits, "{:.5f}")
    draw(speed, "tokens per second", [one.tokens_per_second for one in measurements], "{:,.0f}")
    step = [one.step_seconds_per_token * 1e6 for one in measurements]
    draw(cost, "activation + quantisation, µs per token (log)", step, "{:.3g}")
    cost.set_xscale("log")
    quality.invert_yaxis()
    verdict = {True: "identical bits", False: "DIFFERENT bits", None: "not compared"}
    figure.suptitle(
        f"Held-out Python source on {circumstances.device}; "
        f"fused implementations: {verdict[evaluation.identical]}",
        fontsize=11,
    )
    figure.savefig(path, dpi=150)
