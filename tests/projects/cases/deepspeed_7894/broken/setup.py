from setuptools import setup

setup(name='little')
