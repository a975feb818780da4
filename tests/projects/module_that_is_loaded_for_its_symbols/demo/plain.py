import ctypes

from demo import _plain

LIBRARY = ctypes.cdll.LoadLibrary(_plain.__file__)
