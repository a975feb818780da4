"""Run functions of a test's file in two processes: over gloo on a CPU, over NCCL on two GPUs.

All of a file's share two processes, since each takes seconds to import torch.distributed.
"""

from __future__ import annotations

import importlib.util
import inspect
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch.distributed.device_mesh import DeviceMesh

PROCESSES = 2
BACKENDS = {"cpu": "gloo", "cuda": "nccl"}


def mesh() -> DeviceMesh:
    """Return the mesh of the devices on which this process's tensors are made."""
    return init_device_mesh(torch.get_default_device().type, (PROCESSES,))


def run(*scenarios: Callable[[int], None], device: str = "cpu") -> None:
    """Call each scenario(rank) in each process; fail with the words of those that fail.

    On a GPU each process has one, and tensors are made there where no device is named.
    """
    with tempfile.TemporaryDirectory() as folder:
        meeting = (Path(folder) / "meeting").as_uri()
        command = [sys.executable, __file__, device, meeting, inspect.getfile(scenarios[0])]
        names = [scenario.__name__ for scenario in scenarios]
        started = [
            subprocess.Popen([*command, str(rank), *names], stderr=subprocess.PIPE, text=True)
            for rank in range(PROCESSES)
        ]
        # Both are read at once: one that fails leaves the other waiting for gloo's own limit.
        words = [process.communicate()[1] for process in started]
    failed = [text for process, text in zip(started, words, strict=True) if process.returncode]
    assert not failed, "\n".join(failed)


def _enter(device: str, meeting: str, path: str, rank: int, names: list[str]) -> None:
    specification = importlib.util.spec_from_file_location("scenarios", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    torch.set_num_threads(1)
    # Gloo looks for the machine's name in the network otherwise.
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    if device == "cuda":
        torch.cuda.set_device(rank)
        torch.set_default_device(f"cuda:{rank}")
    dist.init_process_group(BACKENDS[device], init_method=meeting, rank=rank, world_size=PROCESSES)
    for name in names:
        torch.manual_seed(0)
        getattr(module, name)(rank)
    dist.destroy_process_group()


if __name__ == "__main__":
    _enter(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5:])
