from pathlib import Path

from setuptools import setup
from torch.utils.cpp_extension import CppExtension

text = Path(__file__).with_name("sources.txt").read_text()
sources = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
setup(name="demo", packages=["demo"], ext_modules=[CppExtension("demo._C", sources)])
