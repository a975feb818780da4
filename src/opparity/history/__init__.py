"""The life of one operator: which platforms had it, release by release or commit by commit."""
