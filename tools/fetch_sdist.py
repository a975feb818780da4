"""Fetch a release's source distribution and run nothing of it.

`pip download` would build the distribution's metadata, which executes its setup.py.
So pip's own finder and connection do the work, with its configuration, certificates and proxies;
they are no public interface, and the Makefile pins pip for that reason.

Usage: python tools/fetch_sdist.py vllm==0.8.5 --into .cache/sdists
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pip._internal.commands import create_command
from pip._internal.commands.download import DownloadCommand
from pip._internal.exceptions import PipError
from pip._internal.models.target_python import TargetPython
from pip._vendor.requests.exceptions import RequestException


class NotFetched(Exception):
    """The index cannot be reached, or has no such source distribution."""


def fetch(name: str, version: str, folder: Path) -> Path:
    """Return the path of a source distribution in a folder, fetched if it is not there yet.

    Raises:
        NotFetched: no configured index gives it.
    """
    present = [*folder.glob(f"{name.replace('-', '[-_.]')}-{version}.tar.gz")]
    if present:
        return present[0]
    try:
        return _fetch(name, version, folder)
    except (PipError, RequestException, OSError) as error:
        raise NotFetched(f"{name} {version}: {error}") from error


def _fetch(name: str, version: str, folder: Path) -> Path:
    command = create_command("download")
    assert isinstance(command, DownloadCommand)
    options, _ = command.parse_args(
        ["--no-deps", "--no-binary", ":all:", "--quiet", "--retries", "1", "--timeout", "20"]
    )
    with command.main_context():
        connection = command.get_default_session(options)
        finder = command._build_package_finder(  # noqa: SLF001 -- see the top
            options=options,
            session=connection,
            target_python=TargetPython(),
            ignore_requires_python=True,
        )
        links = [
            candidate.link
            for candidate in finder.find_all_candidates(name)
            if str(candidate.version) == version and not candidate.link.is_wheel
        ]
        if not links:
            raise NotFetched(f"{name} {version}: no index that pip is configured with has it")
        response = connection.get(links[0].url_without_fragment)
        response.raise_for_status()
        content = response.content
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{links[0].filename}.part"
    part.write_bytes(content)
    return part.rename(folder / links[0].filename)


def main() -> int:
    """Fetch what the command line names, and print where it lies."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("requirements", nargs="+", metavar="NAME==VERSION")
    parser.add_argument("--into", type=Path, required=True, metavar="FOLDER")
    arguments = parser.parse_args()
    status = 0
    for requirement in arguments.requirements:
        name, _, version = requirement.partition("==")
        try:
            print(fetch(name, version, arguments.into))
        except NotFetched as error:
            print(f"not fetched: {error}", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
