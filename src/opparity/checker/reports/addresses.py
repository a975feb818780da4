"""Where a rule's page is to be found by people who have not installed Opparity."""

from __future__ import annotations

# The page of the package that `pip install opparity` installs; whoever publishes the rules' pages
# elsewhere changes this line.
_RULES = "https://pypi.org/project/opparity/"


def address_of(rule: str) -> str:
    """Return the address of a rule's documentation."""
    return f"{_RULES}#{rule.lower()}"
