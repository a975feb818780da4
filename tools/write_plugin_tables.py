"""Write the tables of docs/vllm.md and docs/sglang.md from the plugins' tables.

Usage: python tools/write_plugin_tables.py [--check]
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from opparity.integrations.sglang.table import ROWS as FUNCTIONS
from opparity.integrations.vllm.table import PARTS, ROWS
from opparity.platforms import Platform

DOCS = Path(__file__).parents[1] / "docs"


def operators() -> str:
    """Return what presence changes in vLLM: a row for each operator."""
    lines = [
        "| operator | reached on CUDA and ROCm | on the CPU | by itself |",
        "| --- | --- | --- | --- |",
    ]
    for row in ROWS:
        on = {platform: row.reached_on(platform) for platform in Platform}
        gpu = [*on[Platform.CUDA]]
        marked = [f"`{place}`" + ("" if place in on[Platform.ROCM] else " (CUDA)") for place in gpu]
        cpu = [f"`{place}`" for place in on[Platform.CPU]]
        itself = "only when asked" if row.only_asked else "where vLLM lacks it"
        lines.append(
            f"| `{row.name}` | {', '.join(marked) or '-'} | {', '.join(cpu) or '-'} | {itself} |"
        )
    return "\n".join(lines)


def parts() -> str:
    """Return the parts of vLLM's plugin beside the operators."""
    lines = ["| part | on | does | by itself |", "| --- | --- | --- | --- |"]
    for part in PARTS:
        platforms = ", ".join(name for name in Platform if name in part.platforms)
        itself = f"no: {part.only_asked}" if part.only_asked else "yes"
        lines.append(f"| `{part.name}` | {platforms} | {part.what} | {itself} |")
    return "\n".join(lines)


def functions() -> str:
    """Return SGLang's functions that Opparity can stand for."""
    lines = ["| name | SGLang's function | in its registry |", "| --- | --- | --- |"]
    lines += [f"| `{row.name}` | `{row.target}` | `{row.operator}` |" for row in FUNCTIONS]
    return "\n".join(lines)


TABLES = {
    "vllm.md": {"operators": operators, "parts": parts},
    "sglang.md": {"functions": functions},
}


def written(page: str) -> str:
    """Return a page with its tables as they are now."""
    text = (DOCS / page).read_text("utf-8")
    for name, table in TABLES[page].items():
        begin, end = f"<!-- {name}: tools/write_plugin_tables.py -->", f"<!-- end of {name} -->"
        between = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        text, count = between.subn(f"{begin}\n\n{table()}\n\n{end}".replace("\\", r"\\"), text)
        if count != 1:
            sys.exit(f"docs/{page} has no place for {name}, or several")
    return text


def main() -> None:
    """Write the pages, or say which are not current."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    for page in TABLES:
        text = written(page)
        if not check:
            (DOCS / page).write_text(text, encoding="utf-8")
        elif text != (DOCS / page).read_text("utf-8"):
            sys.exit(f"docs/{page} is not current: run tools/write_plugin_tables.py")


if __name__ == "__main__":
    main()
