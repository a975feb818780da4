"""Copies: `demo._C.copy_rows` is for later."""

import contextlib

import demo

TOLD = "demo._C.print_rows is gone"


def shadow(input):
    """Return a shadow.

    demo._C.make_ghost(input) would be another one.
    """
    return demo._C.make_shadow(input, True)


def strides(input):
    if hasattr(demo._C, "strides_of"):
        return demo._C.strides_of(input)
    try:
        return demo._C.all_strides(input)
    except AttributeError:
        with contextlib.suppress(AttributeError):
            return demo._C.some_strides(input)
    return demo._C.stride_of(input)
