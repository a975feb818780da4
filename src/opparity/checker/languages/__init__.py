"""Readers, one package a language: text becomes facts; none knows of findings."""
