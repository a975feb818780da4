"""What becomes of Opparity in this process: run in a broken installation, prints JSON at the end.

The steps are words of the command line, in their order; each adds what it showed to the document.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import traceback
import warnings
from typing import TYPE_CHECKING, Any
from unittest import mock

if TYPE_CHECKING:
    from collections.abc import Callable

Found = dict[str, Any]


def call(found: Found) -> None:
    """Call a function twice; tell by whom, and the bytes."""
    import hashlib  # noqa: PLC0415 -- as every import here, after what breaks the installation

    import opparity  # noqa: PLC0415

    function = opparity.silu_and_mul
    import torch  # noqa: PLC0415

    from opparity.operators.reference import kernel  # noqa: PLC0415
    from opparity.operators.reference.quantisation import compute  # noqa: PLC0415

    input = (torch.arange(4096).view(4, 1024) * 37 % 101 - 50).float() / 16
    with mock.patch.object(kernel, "compute", wraps=compute) as reference:
        for _ in range(2):
            quantized = function(input, "fp8_block")
    data = [quantized.values.view(torch.uint8), quantized.scales.view(torch.uint8)]
    numbers = [number for part in data for number in part.flatten().tolist()]
    found["bytes"] = hashlib.sha256(bytes(numbers)).hexdigest()
    found["served"] = {0: "native", 2: "reference"}[reference.call_count]


def gpu(found: Found) -> None:
    """Call an operator on a GPU that is none (pretended_gpu.py)."""
    import opparity  # noqa: PLC0415

    opparity.load()
    import torch  # noqa: PLC0415

    from pretended_gpu import on_gpu  # noqa: PLC0415

    input = on_gpu(torch.zeros(3, 512, dtype=torch.bfloat16))
    out, scales = on_gpu(torch.zeros(3, 256, dtype=torch.float8_e4m3fn)), on_gpu(torch.zeros(3, 2))
    torch.ops.opparity.silu_and_mul_per_block_quant(out, input, scales, 128)
    found["served on GPU"] = torch.ops.opparity.compiled_kernels()


def doctor(found: Found) -> None:
    """Run `opparity doctor` for people and for programs."""
    document = command("doctor", "--output-format", "json")
    found["document"] = json.loads(document["out"]) if document["out"] else None
    found["doctor"] = command("doctor")


def command(*words: str) -> Found:
    """Run a command of `opparity`; return its status and what it printed."""
    from opparity.command_line import application  # noqa: PLC0415

    own = sys.__stdout__
    assert own is not None
    written, err = io.BytesIO(), io.StringIO()
    out = io.TextIOWrapper(written, own.encoding, own.errors)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = application(list(words), prog_name="opparity", standalone_mode=False)
    out.flush()
    return {
        "status": status or 0,
        "out": written.getvalue().decode(own.encoding),
        "err": err.getvalue(),
    }


def verify(found: Found) -> None:
    """Run `opparity verify`, where it refuses."""
    found["verify"] = command("verify")


def large(found: Found) -> None:
    """Make a call that torch shares among its threads."""
    import opparity  # noqa: PLC0415

    function = opparity.quantize
    import torch  # noqa: PLC0415

    found["large"] = list(function(torch.ones(2048, 2048), "fp8_block").values.shape)


def modules(found: Found) -> None:
    """Import what asks for names of torch."""
    import opparity.nn  # noqa: PLC0415

    found["modules"] = opparity.nn.SwiGLU.__name__


STEPS: dict[str, Callable[[Found], None]] = {
    step.__name__: step for step in (call, gpu, doctor, verify, large, modules)
}


def main() -> None:
    """Take the steps; what one raises is told, and the next is taken."""
    found: Found = {"raised": {}}
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for word in sys.argv[1:]:
            name, _, path = word.partition(" ")
            try:
                if name in STEPS:
                    STEPS[name](found)
                else:
                    found[name] = command(name, *path.split())
            except Exception as error:  # noqa: BLE001 -- that is what is asked
                found["raised"][name] = {
                    "classes": [kind.__name__ for kind in type(error).__mro__],
                    "message": str(error),
                    "trace": traceback.format_exc(),
                }
    found["warned"] = [(w.category.__name__, str(w.message)) for w in warned]
    # The stand-ins for drivers print what they are asked.
    print(f"\n{json.dumps(found)}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
