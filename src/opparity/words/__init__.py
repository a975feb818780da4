"""The words of reports and pages, by name and language."""
