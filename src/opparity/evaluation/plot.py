"""An evaluation as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from opparity.errors import EvaluationRefused
from opparity.evaluation.variants import Mlps

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

    from opparity.evaluation.report import Circumstances
    from opparity.evaluation.results import Evaluation

COLOURS = {Mlps.BFLOAT16: "#7f7f7f", Mlps.UNFUSED: "#d98c3f", Mlps.FUSED: "#2f6fab"}
VERDICTS = {
    True: "the fused implementations give identical bits",
    False: "the fused implementations DIFFER",
    None: "one fused implementation alone",
}


def check_path(path: Path) -> None:
    """Refuse a path that no picture can be written to, before anything is measured.

    Raises:
        EvaluationRefused: its folder does not exist, or its suffix names no known format.
    """
    suffixes = sorted(Figure().canvas.get_supported_filetypes())
    if path.suffix.removeprefix(".") not in suffixes:
        raise EvaluationRefused(
            detail=f"a plot cannot be written to {path}",
            remedy=f"end its name with one of .{', .'.join(suffixes)}",
        )
    if not path.parent.is_dir():
        raise EvaluationRefused(
            detail=f"a plot cannot be written to {path}: there is no folder {path.parent}",
            remedy="make it, or name another",
        )


def write_plot(evaluation: Evaluation, circumstances: Circumstances, path: Path) -> None:
    """Write quality, speed and the step's cost side by side; the suffix says the format."""
    figure = Figure(figsize=(12, 3.6), layout="constrained")
    quality, speed, cost = figure.subplots(1, 3, sharey=True)
    measurements = evaluation.measurements
    colours = [COLOURS[one.mlps] for one in measurements]
    labels = [f"{one.mlps}\n{one.provider or 'PyTorch'}" for one in measurements]

    def draw(
        axes: Axes, title: str, numbers: list[float], form: str, *, origin: float = 0.0
    ) -> None:
        axes.hlines(labels, origin, numbers, color=colours, linewidth=2)
        axes.scatter(numbers, labels, color=colours, zorder=2)
        for number, label in zip(numbers, labels, strict=True):
            axes.annotate(
                form.format(number), (number, label), (8, 0), textcoords="offset points",
                va="center", fontsize=8,
            )  # fmt: skip
        axes.set_title(title, fontsize=10)
        axes.margins(x=0.3, y=0.15)
        axes.spines[["top", "right"]].set_visible(False)

    # On the share, the only tokens that every variant was run on.
    base = measurements[0].share
    change = [one.share.bits_per_byte - base.bits_per_byte for one in measurements]
    draw(quality, f"bits per byte beyond {base.bits_per_byte:.4f} of bfloat16", change, "{:+.5f}")
    draw(speed, "tokens per second", [one.tokens_per_second for one in measurements], "{:,.0f}")
    step = [one.step_seconds_per_token * 1e6 for one in measurements]
    # The reference takes hundreds of times longer than the others.
    cost.set_xscale("log")
    draw(cost, "SiLU, mul and quantisation, µs per token", step, "{:,.3g}", origin=min(step) / 3)
    cost.set_xlim(left=min(step) / 3)
    speed.set_xlim(left=0)
    quality.invert_yaxis()
    figure.suptitle(
        f"{circumstances.parameters / 1e6:.1f} M parameters, held-out Python source, "
        f"{circumstances.device}: {VERDICTS[evaluation.identical]}",
        fontsize=11,
    )
    figure.savefig(path, dpi=150)
