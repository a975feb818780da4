"""The checker: what is declared, registered, built and called on each platform, read from source.

Facts are collected once (`analysis.reading.read_project`) and rules are pure functions of them
(`rules.table.RULES`). Nothing of the tree under inspection is executed, and torch is not imported.
"""
