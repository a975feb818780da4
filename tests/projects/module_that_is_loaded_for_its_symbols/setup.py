from setuptools import Extension, setup

setup(name="demo", ext_modules=[Extension("demo._plain", ["csrc/plain.cpp", "csrc/module.cpp"])])
