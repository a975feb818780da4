"""A git revision as a source tree: objects are listed and read, nothing is checked out."""

from __future__ import annotations

import os
import subprocess
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from opparity.checker import bounds
from opparity.checker.facts.places import problem
from opparity.checker.tree.contents import (
    BINARY_TEST,
    Tree,
    TreeRefused,
    TreeTooLarge,
    is_source,
    too_long,
)
from opparity.checker.tree.names import inside, printable, target_of_link

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from opparity.checker.facts.places import Problem
    from opparity.checker.tree.contents import Limits, Place

# The repository's own configuration may name programs to run and servers to ask.
_SAFE_SETTINGS = (
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.askPass="),
    *("-c", "credential.helper="),
    *("-c", "protocol.allow=never"),
)
_SAFE_ENVIRONMENT = {
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
}


class Git:
    """git in one repository, with everything switched off that could run a program or fetch."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # A file may be named `:(top)x`: paths are never patterns.
        self._command = ["git", "--no-pager", "--literal-pathspecs", *_SAFE_SETTINGS]
        self._command += ["-C", str(folder)]
        self._environment = {**os.environ, **_SAFE_ENVIRONMENT}

    def commit(self, revision: str) -> str:
        """Return the full name of a revision's commit.

        Raises:
            TreeRefused: there is none.
        """
        asked = f"{revision}^{{commit}}"
        self("rev-parse", "--git-dir")  # says so where the folder is in no repository
        try:
            answer = self("rev-parse", "--verify", "--quiet", "--end-of-options", asked)
        except TreeRefused as error:
            raise TreeRefused(
                path=self.folder, detail=f"no revision {printable(revision)!r} in this repository"
            ) from error
        return answer.decode("ascii").strip()

    def blob(self, name: str, most: int) -> bytes:
        """Return the content of an object, `COMMIT:./PATH`; nothing where it is none or longer."""
        try:
            if int(self("cat-file", "-s", name)) > most:
                return b""
            return self("cat-file", "blob", name)
        except TreeRefused:
            # The commit removed the file.
            return b""

    def beginning(self, most: int, *arguments: str, asked: bytes = b"") -> tuple[bytes, bool]:
        """Return an answer's first bytes, and whether that is all and git did not fail."""
        with subprocess.Popen(
            [*self._command, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self._environment,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            # git answers before it has read all, and no file is needed where a disk may be full.
            asking = threading.Thread(target=_ask, args=(process.stdin, asked))
            watch = threading.Timer(300, process.kill)
            asking.start()
            watch.start()
            try:
                answer = process.stdout.read(most)
                is_whole = not process.stdout.read(1)
                if not is_whole:
                    process.kill()
                return answer, is_whole and process.wait() == 0
            finally:
                process.kill()
                watch.cancel()
                asking.join()

    def __call__(self, *arguments: str, asked: bytes = b"") -> bytes:
        """Return a whole answer.

        Raises:
            TreeRefused: git is missing, fails, or takes too long.
        """
        try:
            completed = subprocess.run(
                [*self._command, *arguments],
                check=False,
                capture_output=True,
                input=asked,
                env=self._environment,
                timeout=300,
            )
        except FileNotFoundError as error:
            raise TreeRefused(
                path=self.folder, detail="--revision needs git, which is not on PATH"
            ) from error
        except subprocess.TimeoutExpired as error:
            raise TreeRefused(path=self.folder, detail="git gave no answer in 300 s") from error
        if completed.returncode:
            reason = printable(completed.stderr.decode("utf-8", "replace").strip())
            raise TreeRefused(
                path=self.folder, detail=reason or f"git {arguments[0]} failed without a word"
            )
        return completed.stdout


def _ask(question: IO[bytes], words: bytes) -> None:
    """Write a question; git has ended where it is read no further."""
    with suppress(BrokenPipeError):
        question.write(words)
    with suppress(BrokenPipeError):
        question.close()


def has_folder(path: Path, revision: str) -> bool:
    """Tell whether a git revision has a folder that is there on disk."""
    git = Git(path)
    prefix = git("rev-parse", "--show-prefix").decode("utf-8", "surrogateescape").rstrip("\n")
    commit = git.commit(revision)
    try:
        return not prefix or git("cat-file", "-t", f"{commit}:{prefix}").strip() == b"tree"
    except TreeRefused:
        return False


def read_revision(
    path: Path, revision: str, limits: Limits, is_excluded: Callable[[str], bool]
) -> Tree:
    """Return the tree of a git revision, of the folder `path` of its repository.

    What is excluded is listed and not read.
    """
    if not path.is_dir():
        raise TreeRefused(path=path, detail="--revision needs a folder inside a git repository")
    git = Git(path)
    prefix = git("rev-parse", "--show-prefix").decode("utf-8", "surrogateescape").rstrip("\n")
    tree = f"{git.commit(revision)}:{prefix}"
    listing = _Listing(path, limits, is_excluded)
    _list(listing, git("ls-tree", "-r", "-z", "-l", "--full-tree", tree))
    _read_contents(listing, git)
    files = dict(sorted(listing.files.items()))
    return Tree(path.resolve().name, files, tuple(listing.problems), limits)


@dataclass(slots=True)
class _Listing:
    """What a revision holds, before any content is read: paths and the objects behind them."""

    root: Path
    limits: Limits
    is_excluded: Callable[[str], bool]
    files: dict[str, Place] = field(default_factory=dict)
    sources: dict[str, bytes] = field(default_factory=dict)
    links: dict[str, bytes] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    kept: int = 0

    def add(self, path: str, mode: bytes, kind: bytes, identity: bytes, size: bytes) -> None:
        if kind != b"blob":
            self.problems.append(problem(path, "unread.submodule"))
        elif mode == b"120000":
            self.links[path] = identity
        else:
            self.files[path] = None
            if self.is_excluded(path):
                return
            if is_source(path) and not size.isdigit():
                self.problems.append(problem(path, "unread.no_object"))
            elif is_source(path):
                self.add_source(path, identity, int(size))

    def add_source(self, path: str, identity: bytes, size: int) -> None:
        """Plan to read a file, unless it is too long."""
        if size > self.limits.file_bytes:
            self.problems.append(too_long(path, size, self.limits))
            return
        self.sources[path] = identity
        self.kept += size
        bounds.allow(size)
        if self.kept > self.limits.kept_bytes:
            raise TreeTooLarge(
                path=self.root,
                mebibytes=self.limits.kept_bytes >> 20,
                advice="leave folders out by `exclude` in its opparity.toml",
            )


def _list(listing: _Listing, answer: bytes) -> None:
    """Record what `git ls-tree` says of a revision."""
    entries = answer.split(b"\0")[:-1]
    most = listing.limits.entries
    if len(entries) > most:
        raise TreeRefused(path=listing.root, detail=f"holds more than {most} files")
    for entry in entries:
        facts, _, raw = entry.partition(b"\t")
        mode, kind, identity, size = facts.split()
        path = inside(raw.decode("utf-8", "surrogateescape"))
        if path is None:
            name = printable(raw.decode("utf-8", "backslashreplace"))
            listing.problems.append(problem(name, "unread.name_outside"))
        else:
            listing.add(path, mode, kind, identity, size)


def _read_contents(listing: _Listing, git: Git) -> None:
    """Fill in the contents of a listing's sources and resolve its links."""
    sources = _contents(git, list(listing.sources.values()))
    for path, content in zip(listing.sources, sources, strict=True):
        if b"\0" in content[:BINARY_TEST]:
            listing.problems.append(problem(path, "unread.binary"))
        else:
            listing.files[path] = content
    targets = _contents(git, list(listing.links.values()))
    for path, target in zip(listing.links, targets, strict=True):
        resolved = target_of_link(path, target.decode("utf-8", "surrogateescape"))
        if resolved is None or resolved not in listing.files:
            listing.problems.append(problem(path, "unread.link_to_nothing"))
        else:
            listing.files[path] = listing.files[resolved]


def _contents(git: Git, identities: Sequence[bytes]) -> Iterator[bytes]:
    """Yield the contents of objects, all asked of one git process."""
    if not identities:
        return
    answer = memoryview(git("cat-file", "--batch", asked=b"\n".join(identities) + b"\n"))
    position = 0
    for identity in identities:
        end = position + bytes(answer[position : position + 200]).index(b"\n")
        header = bytes(answer[position:end]).split()
        if len(header) != 3:  # noqa: PLR2004 -- identity, kind, size; "missing" has two words
            raise TreeRefused(
                path=identity.decode("ascii"), detail="git has no such object, though it lists it"
            )
        start = end + 1
        position = start + int(header[2]) + 1
        yield bytes(answer[start : position - 1])
