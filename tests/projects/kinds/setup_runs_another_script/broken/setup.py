import runpy

from setuptools import setup

setup(name="demo", packages=["demo"], ext_modules=runpy.run_path("scripts/extensions.py")["modules"])
