"""Opparity inside other people's engines; each module here needs the package that it is for."""
