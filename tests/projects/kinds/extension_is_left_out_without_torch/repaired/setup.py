from setuptools import setup

extensions = []
commands = {}
try:
    from torch.utils.cpp_extension import BuildExtension, CppExtension
except ImportError:
    print("no torch: the extension is not built")
else:
    extensions.append(CppExtension("demo._C", ["csrc/turn.cpp"]))
    commands["build_ext"] = BuildExtension

setup(name="demo", packages=["demo"], ext_modules=extensions, cmdclass=commands)
