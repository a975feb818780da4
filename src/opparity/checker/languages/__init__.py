"""Readers: each turns one kind of file into the frozen records of `opparity.checker.facts`."""
