"""An evaluation as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from opparity.errors import EvaluationRefused

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

    from opparity.evaluation.report import Circumstances
    from opparity.evaluation.results import Evaluation, Measurement

# What is not quantised, quantised, and quantised with the same bytes everywhere.
PLAIN, QUANTISED, EVERYWHERE = "#7f7f7f", "#d98c3f", "#2f6fab"
VERDICTS = {
    True: "the implementations give identical bits",
    False: "the implementations DIFFER",
    None: "one implementation alone",
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
    """Write quality and speed side by side; the suffix says the format."""
    measurements = evaluation.measurements
    figure = Figure(figsize=(12, 1.2 + 0.32 * len(measurements)), layout="constrained")
    quality, speed = figure.subplots(1, 2, sharey=True)
    colours = [_colour(one) for one in measurements]
    labels = [_label(one) for one in measurements]

    def draw(axes: Axes, title: str, numbers: list[float], form: str) -> None:
        axes.hlines(labels, 0, numbers, color=colours, linewidth=2)
        axes.scatter(numbers, labels, color=colours, zorder=2)
        for number, label in zip(numbers, labels, strict=True):
            # Beyond the end of the line, on the side where it ends.
            is_left = number < 0
            axes.annotate(
                form.format(number), (number, label), (-8 if is_left else 8, 0),
                textcoords="offset points", ha="right" if is_left else "left", va="center",
                fontsize=8,
            )  # fmt: skip
        axes.set_title(title, fontsize=10)
        axes.margins(x=0.3, y=0.1)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.spines[["top", "right"]].set_visible(False)

    # On the share, the only tokens that every variant was run on.
    base = measurements[0]
    bits = base.share.bits_per_byte
    change = [one.share.bits_per_byte - bits for one in measurements]
    draw(
        quality,
        f"bits per byte beyond {bits:.4f} of {base.variant.numbers.name}",
        change,
        "{:+.5f}",
    )
    draw(speed, "tokens per second", [one.tokens_per_second for one in measurements], "{:,.0f}")
    speed.set_xlim(left=0)
    quality.invert_yaxis()
    figure.suptitle(
        f"{circumstances.parameters / 1e6:.1f} M parameters, held-out Python source, "
        f"{circumstances.device}: {VERDICTS[evaluation.identical]}",
        fontsize=11,
    )
    figure.supxlabel(
        "grey: not quantised; orange: quantised, bits of this machine; "
        "blue: the same bits everywhere",
        fontsize=9,
    )
    figure.savefig(path, dpi=150)


def _colour(measurement: Measurement) -> str:
    numbers = measurement.variant.numbers
    if numbers.linear is None:
        return PLAIN
    return EVERYWHERE if numbers.same_everywhere else QUANTISED


def _label(measurement: Measurement) -> str:
    variant = measurement.variant
    return f"{variant.numbers.name}, {variant.provider or 'PyTorch'} on {variant.device.type}"
