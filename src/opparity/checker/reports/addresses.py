"""Where a rule's page is to be found by people who have not installed Opparity."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, metadata

# In pyproject.toml, below [project.urls]: the address of docs/rules, once somebody publishes it.
_LABEL = "Rules"


def address_of(rule: str) -> str:
    """Return the address of a rule's page; "" while the package names no place that has them."""
    base = _published()
    return f"{base}/{rule}.md" if base else ""


@cache
def _published() -> str:
    try:
        urls = metadata("opparity").get_all("Project-URL") or []
    except PackageNotFoundError:
        return ""
    pairs = (url.partition(",") for url in urls)
    return next((url.strip().rstrip("/") for label, _, url in pairs if label == _LABEL), "")
