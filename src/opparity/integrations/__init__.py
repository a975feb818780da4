"""Opparity inside other libraries: a module or package for each; none is imported unasked."""
