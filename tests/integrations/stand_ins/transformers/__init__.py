__version__ = "5.24.0"
