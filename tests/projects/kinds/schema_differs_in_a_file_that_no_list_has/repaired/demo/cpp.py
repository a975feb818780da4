from pathlib import Path

from torch.utils.cpp_extension import load


def compiled(root: Path, names: list[str]):
    return load(name="kernels", sources=[str(root / name) for name in names], is_python_module=False)
