"""Two processes share an MLP and its tokens, over gloo on CPUs: the bytes of one process.

A process has half of gate's and up's rows and half of down's columns, or half of the tokens
(docs/distributed.md). On GPUs the same runs over NCCL, one GPU for each process.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import DTensor, Shard, distribute_tensor
from torch.multiprocessing.spawn import start_processes

import opparity
from opparity.nn import Int8SwiGLU
from opparity.nn.parallel import ParallelSwiGLU

HIDDEN, INNER, TOKENS, PROCESSES = 256, 512, 32, 2


def work(rank: int, meeting: str) -> None:
    """Be one of the processes; the first one prints what both have found."""
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=PROCESSES)
    torch.manual_seed(0)  # so that both have the same weights and tokens
    gate, up, down = nn.Linear(HIDDEN, INNER), nn.Linear(HIDDEN, INNER), nn.Linear(INNER, HIDDEN)
    mlp = Int8SwiGLU.from_linears(gate, up, down)
    tokens = torch.randn(TOKENS, HIDDEN)
    expected = mlp(tokens)

    mine = tokens.chunk(PROCESSES)[rank]
    shared = ParallelSwiGLU(mlp, sequence=True)(mine)
    lines = [
        f"an MLP in two parts: {torch.equal(ParallelSwiGLU(mlp)(tokens), expected)}",
        f"tokens shared too: {torch.equal(shared, expected.chunk(PROCESSES)[rank])}",
    ]

    mesh = init_device_mesh("cpu", (PROCESSES,))
    hidden = torch.randn(TOKENS, 2 * INNER, dtype=torch.bfloat16)
    by_tokens = opparity.silu_and_mul(distribute_tensor(hidden, mesh, [Shard(0)]), "mxfp8")
    whole = opparity.silu_and_mul(hidden, "mxfp8").values.chunk(PROCESSES)[rank]
    assert isinstance(by_tokens.values, DTensor)
    found = by_tokens.values.to_local()
    same = torch.equal(found.view(torch.uint8), whole.view(torch.uint8))
    lines += [f"a DTensor by tokens: {same}"]
    try:
        opparity.silu_and_mul(distribute_tensor(hidden, mesh, [Shard(1)]), "mxfp8")
    except RuntimeError as refused:  # torch's, with Opparity's words in it
        lines += [f"a DTensor by columns is refused: {str(refused).partition(';')[0]}"]

    said: list[list[str] | None] = [None] * PROCESSES
    dist.all_gather_object(said, lines)
    if rank == 0:
        print(f"{PROCESSES} processes agree: {said[0] == said[1]}", *lines, sep="\n")
    dist.destroy_process_group()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        meeting = (Path(folder) / "meeting").as_uri()
        start_processes(work, (meeting,), nprocs=PROCESSES, start_method="spawn")
