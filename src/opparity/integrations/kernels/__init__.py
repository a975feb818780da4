"""Hugging Face's `kernels`: a folder of kernels that is loaded without Opparity being installed.

`python -m opparity.integrations.kernels FOLDER` writes it.
"""
