from demo._C import scale as scale, version as toolkit_version
from demo.report import describe

__all__ = ["describe", "scale", "toolkit_version"]
