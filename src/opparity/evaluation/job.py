"""From what the user asked for to an evaluation: the device, the text, the model."""

from __future__ import annotations

import hashlib
import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

import opparity
from opparity.errors import EvaluationRefused
from opparity.evaluation.checkpoint import WEIGHTS, read_model
from opparity.evaluation.configuration_file import read_configuration
from opparity.evaluation.corpus import Split, read_split, sample_windows
from opparity.evaluation.evaluate import Text, evaluate
from opparity.evaluation.number_formats import FLOAT32
from opparity.evaluation.report import Circumstances

if TYPE_CHECKING:
    from pathlib import Path

    from opparity.evaluation.evaluate import Watcher
    from opparity.evaluation.results import Evaluation


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for; None leaves the choice to the device.

    Attributes:
        checkpoint: the folder of the model.
        num_bytes: how much text.
        files: from how many held-out files at most.
        share: on how much of it every implementation is run.
        device: cpu, cuda or cuda:N.
    """

    checkpoint: Path
    num_bytes: int | None = None
    files: int | None = None
    share: int | None = None
    device: str | None = None


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much a kind of device does by default.

    Attributes:
        num_bytes: of text.
        share: bytes for every implementation.
        batch: windows at once.
    """

    num_bytes: int
    share: int
    batch: int


SIZES = {
    "cpu": Sizes(num_bytes=24 << 10, share=2 << 10, batch=4),
    # All there is. The share is run on the CPU as well, by the reference too.
    "cuda": Sizes(num_bytes=1 << 30, share=4 << 10, batch=64),
}


def run(request: Request, watcher: Watcher) -> tuple[Evaluation, Circumstances]:
    """Evaluate the shipped model as requested.

    Raises:
        EvaluationRefused: the device does not exist here.
        CheckpointRefused: the model is not whole.
        CorpusRefused: there is no text to evaluate.
    """
    device = choose_device(request.device)
    sizes = SIZES[device.type]
    configuration, training = read_configuration(request.checkpoint)
    parameters = read_model(request.checkpoint, FLOAT32).num_parameters()
    window = configuration.context
    files = read_split(Split.HELD_OUT)[: request.files]
    windows = sample_windows(files, length=window, num_bytes=request.num_bytes or sizes.num_bytes)
    in_share = max(1, (request.share or sizes.share) // window)
    text = Text(windows[:in_share], windows[in_share:], sizes.batch)
    circumstances = Circumstances(
        opparity=opparity.__version__,
        torch=torch.__version__,
        python=platform.python_version(),
        device=device_name(device),
        threads=torch.get_num_threads(),
        checkpoint_sha256=hashlib.sha256((request.checkpoint / WEIGHTS).read_bytes()).hexdigest(),
        parameters=parameters,
        training=training,
        files=len(files),
        window=window,
        held_out_bytes=sum(len(file.content) // window * window for file in files),
        share_sha256=hashlib.sha256(text.share.numpy().tobytes()).hexdigest(),
    )
    return evaluate(request.checkpoint, text, device, watcher=watcher), circumstances


def choose_device(name: str | None) -> torch.device:
    """Return the device of that name, by default the GPU where there is one.

    Raises:
        EvaluationRefused: there is no such device here.
    """
    count = torch.cuda.device_count()
    if name is None:
        return torch.device("cuda" if count else "cpu")
    allowed = ["cpu", *(["cuda"] if count else []), *(f"cuda:{index}" for index in range(count))]
    if name not in allowed:
        raise EvaluationRefused(
            detail=f"device {name!r} was asked for; here are {', '.join(allowed)}",
            remedy="name one of these, or leave --device out",
        )
    return torch.device(name)


def device_name(device: torch.device) -> str:
    """Return the name of the GPU, or the CPU's capability and threads."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    capability = torch.backends.cpu.get_cpu_capability()
    return f"CPU ({platform.machine()}, {capability}, {torch.get_num_threads()} threads)"
