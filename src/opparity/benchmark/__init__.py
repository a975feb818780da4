"""`opparity benchmark`: every implementation of an operator beside what it is measured against.

An operator's folder says what to run (`workload.py` here has the protocol); this package says how
it is timed, and prints it.
"""
