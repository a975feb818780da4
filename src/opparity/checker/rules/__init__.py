"""The rules: one file each, and a line each in `opparity.checker.rules.table`."""
