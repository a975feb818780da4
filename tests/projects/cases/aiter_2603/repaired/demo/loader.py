"""Builds a module of modules.json when a function of it is first called."""

import ctypes
import importlib


def compile_ops(module, function="", interface="pybind"):
    def wrap(stub):
        name = function or stub.__name__

        def call(*arguments):
            if interface == "ctypes":
                return getattr(ctypes.CDLL(f"{module}.so"), name)(*arguments)
            return getattr(importlib.import_module(module), name)(*arguments)

        return call

    return wrap
