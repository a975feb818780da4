"""What a file's text says of operators, before it is parsed."""

from __future__ import annotations

import pytest

from opparity.checker.languages.python.operator_texts import read_operator_text

WAYS = {
    b"custom": b'@torch.library.custom_op("demo::custom", mutates_args=())\n',
    b"triton": b'@torch.library.triton_op("demo::triton", mutates_args=())\n',
    b"register": b'register_op(op_name="register", op_func=work)\n',
    b"defined": b'library.define("defined(Tensor x) -> Tensor")\n',
}


@pytest.mark.parametrize("names", [*([name] for name in WAYS), [*WAYS]])
def test_every_way_to_define_is_found_alone_and_beside_the_others(names: list[bytes]) -> None:
    text = read_operator_text("ops.py", b"import torch\n" + b"".join(WAYS[name] for name in names))
    assert text is not None
    assert text.definitions == tuple((b"", name) for name in names)


def test_a_call_that_only_ends_like_a_definition_is_none() -> None:
    text = read_operator_text("ops.py", b'import torch\nrun_op("demo::custom")\n')
    assert text is not None
    assert (text.definitions, text.is_about_operators) == ((), False)
