"""Train the language model that `opparity evaluate` ships, from the standard library's source.

On one NVIDIA GPU, from the root of the repository, the package need not be installed:

    PYTHONPATH=src python3 tools/train_evaluation_model.py --minutes 3.5

It needs torch, numpy, safetensors and typer, and no network. It writes `config.json` and
`model.safetensors` (6.8 MB) to `src/opparity/evaluation/model`, or to the folder named by
`--output`, and prints the bits per byte of the written checkpoint on the held-out files.
On a CPU give `--steps` and small sizes to try the script; see `--help`.
"""

from __future__ import annotations

import platform
import time
from functools import partial
from pathlib import Path  # noqa: TC003 -- typer reads the annotation
from typing import TYPE_CHECKING, Annotated

import torch
import typer

from opparity.evaluation.checkpoint import SHIPPED, read_model, write_checkpoint
from opparity.evaluation.corpus import (
    SourceFile,
    Split,
    read_split,
    sample_windows,
    standard_library,
    stream,
)
from opparity.evaluation.language_model import Configuration, LanguageModel
from opparity.evaluation.number_formats import FLOAT32
from opparity.evaluation.training import Plan, Trained, bits_per_byte, train

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

# Every held-out byte on a GPU; about the tenth of them on a CPU, which reads 10 kB in a second.
HELD_OUT_BYTES = {"cuda": 1 << 30, "cpu": 1 << 16}
VALIDATION_BYTES = {"cuda": 1 << 30, "cpu": 1 << 15}


def say(line: str) -> None:
    """Print a line of progress at once, also into a pipe."""
    print(line, flush=True)


def compiled(model: LanguageModel, *, batch: int) -> Callable[[Tensor], Tensor]:
    """Return the compiled model, or the model itself once a trial step has failed to compile.

    A lease of a GPU is worth more than the speed that the compiler adds, so a failure is printed
    and training goes on without it.
    """
    forward: Callable[[Tensor], Tensor] = torch.compile(model, dynamic=False)
    device = model.model.embed_tokens.weight.device
    trial = torch.zeros((batch, model.configuration.context), dtype=torch.int64, device=device)
    started = time.perf_counter()
    try:
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda"):
            torch.autograd.backward(forward(trial).float().sum())
    except Exception as error:  # noqa: BLE001 -- whatever the compiler raises is printed
        say(f"torch.compile failed, training goes on without it: {type(error).__name__}: {error}")
        forward = model
    else:
        say(f"compiled a trial step in {time.perf_counter() - started:.0f} s")
    model.zero_grad(set_to_none=True)
    return forward


def uncompiled(model: LanguageModel) -> Callable[[Tensor], Tensor]:
    """Return the model itself."""
    return model


def size_of(files: tuple[SourceFile, ...]) -> int:
    """Return how many bytes files hold."""
    return sum(len(file.content) for file in files)


def held_out_bits(model: LanguageModel, windows: Tensor) -> float:
    """Return the held-out bits per byte of a model in float32."""
    return bits_per_byte(model.eval(), torch.split(windows, 64))


def main(
    *,
    minutes: Annotated[
        float | None, typer.Option(help="Budget in minutes, compilation not counted.")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Budget in steps instead.")] = None,
    batch: Annotated[int, typer.Option(help="Windows in a step.")] = 128,
    learning_rate: Annotated[float, typer.Option(help="Its peak.")] = 2e-3,
    dropout: Annotated[float, typer.Option(help="Dropout of the residual stream.")] = 0.15,
    layers: Annotated[int, typer.Option(help="Layers; the shipped model has 6.")] = 6,
    seed: Annotated[int, typer.Option(help="Of weights, offsets and dropout.")] = 1,
    device: Annotated[str, typer.Option(help="cuda or cpu.")] = (
        "cuda" if torch.cuda.is_available() else "cpu"
    ),
    compile_model: Annotated[
        bool | None, typer.Option("--compile/--no-compile", help="On GPUs by default.")
    ] = None,
    output: Annotated[Path, typer.Option(help="Folder of the checkpoint.")] = SHIPPED,
) -> None:
    """Train the evaluation's language model and write it as a block-FP8 checkpoint."""
    place = torch.device(device)
    configuration = Configuration(num_layers=layers)
    plan = Plan(
        minutes=minutes,
        steps=steps,
        batch_windows=batch,
        learning_rate=learning_rate,
        dropout=dropout,
        seed=seed,
    )
    files = {split: read_split(split) for split in Split}
    for split, members in files.items():
        say(f"{split}: {len(members)} files, {size_of(members):,} bytes")
    text = stream(files[Split.TRAIN]).to(place)
    validation, held_out = (
        sample_windows(files[split], length=configuration.context, num_bytes=limit).to(place)
        for split, limit in (
            (Split.VALIDATION, VALIDATION_BYTES[place.type]),
            (Split.HELD_OUT, HELD_OUT_BYTES[place.type]),
        )
    )
    use_compiler = place.type == "cuda" if compile_model is None else compile_model
    trained = train(
        configuration,
        plan,
        text,
        validation,
        forward=partial(compiled, batch=batch) if use_compiler else uncompiled,
        say=say,
    )
    finish(trained, plan, held_out, output, trained_bytes=len(text))


def finish(
    trained: Trained, plan: Plan, held_out: Tensor, output: Path, *, trained_bytes: int
) -> None:
    """Write the checkpoint with its record, read it again and print what it is worth."""
    on = torch.cuda.get_device_name() if held_out.is_cuda else "CPU"
    before = held_out_bits(trained.model, held_out)
    record = {
        "text": f"standard library of Python {platform.python_version()}",
        "training_bytes": trained_bytes,
        "tokens": trained.tokens,
        "steps": trained.steps,
        "seconds": round(trained.seconds),
        "device": on,
        "torch": torch.__version__,
        "seed": plan.seed,
        "dropout": plan.dropout,
        "learning_rate": plan.learning_rate,
        "validation_bits_per_byte": round(trained.validation, 4),
        "held_out_bytes": held_out.numel(),
        "held_out_bits_per_byte_before_quantisation": round(before, 4),
    }
    path = write_checkpoint(trained.model, output, training=record)
    after = held_out_bits(read_model(output, FLOAT32, held_out.device), held_out)
    write_checkpoint(
        trained.model, output, training=record | {"held_out_bits_per_byte": round(after, 4)}
    )
    parameters = sum(weight.numel() for weight in trained.model.parameters())
    say(
        f"trained {parameters:,} parameters on {on}: "
        f"{trained.steps} steps in {trained.seconds:.0f} s"
    )
    say(f"text: {standard_library()}; {trained.tokens / trained_bytes:.1f} passes")
    say(f"wrote {path}: {path.stat().st_size:,} bytes")
    say(f"held-out bits per byte before quantisation: {before:.4f}")
    say(f"held-out bits per byte of the checkpoint:   {after:.4f}")


if __name__ == "__main__":
    typer.run(main)
