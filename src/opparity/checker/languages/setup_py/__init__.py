"""Abstract interpretation of build scripts in Python: what a setup.py would build, never run."""
