"""The comments of a pull request's review, as GitHub gives them: `--comments FILE`.

Taken are the answers of `pulls/N/comments` and `pulls/N/reviews`, one behind the other as
`gh api --paginate` writes them, and that of `gh pr view --json comments,reviews`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from opparity.change.model import ReviewComment
from opparity.errors import OpparityError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LONGEST_FILE = 64_000_000
# Whoever may comment could otherwise keep a report from being made.
_MOST = 2_000
_DEEPEST = 4
_LISTS = ("comments", "reviews", "nodes")
_DATES = ("created_at", "submitted_at", "createdAt", "submittedAt")


class CommentsRefused(OpparityError, ValueError):
    """A file of comments that is none."""

    message = (
        "{path}: {detail}; --comments takes the JSON of a pull request's review, as "
        "`gh api --paginate repos/OWNER/NAME/pulls/NUMBER/comments` writes it"
    )


def read_comments(path: Path) -> tuple[tuple[ReviewComment, ...], bool]:
    """Return the comments of a file, in its order, and whether there are more than are read.

    Raises:
        CommentsRefused: it is no JSON, too long, or holds something else.
    """
    with path.open("rb") as file:
        content = file.read(_LONGEST_FILE + 1)
    if len(content) > _LONGEST_FILE:
        raise CommentsRefused(path=path, detail=f"more than {_LONGEST_FILE:,} bytes")
    try:
        documents = list(_documents(content.decode("utf-8")))
    except (ValueError, RecursionError) as error:
        raise CommentsRefused(path=path, detail=f"no JSON: {error}") from error
    found: list[ReviewComment] = []
    for entry in _entries(path, documents, 0):
        comment = _comment(path, entry)
        if comment.body:
            found.append(comment)
        if len(found) > _MOST:
            return tuple(found[:_MOST]), True
    return tuple(found), False


def _documents(text: str) -> Iterator[object]:
    """Yield the JSON values of a text, which may be several without anything between them."""
    decoder = json.JSONDecoder()
    position = 0
    while True:
        position += len(text[position:]) - len(text[position:].lstrip())
        if position >= len(text):
            return
        value, position = decoder.raw_decode(text, position)
        yield value


def _entries(path: Path, value: object, depth: int) -> Iterator[dict[str, Any]]:
    """Yield the comments in a value: a list of them, of pages, or what `gh pr view` answers."""
    if depth > _DEEPEST:
        raise CommentsRefused(path=path, detail="lists in lists")
    if isinstance(value, list):
        for each in value:
            yield from _entries(path, each, depth + 1)
    elif isinstance(value, dict) and "body" in value:
        yield value
    elif isinstance(value, dict) and any(name in value for name in _LISTS):
        for name in _LISTS:
            yield from _entries(path, value.get(name, []), depth + 1)
    else:
        raise CommentsRefused(path=path, detail="something that is no comment")


def _comment(path: Path, entry: dict[str, Any]) -> ReviewComment:
    author = entry.get("user") or entry.get("author") or {}
    date = next((entry[key] for key in _DATES if entry.get(key)), "")
    comment = ReviewComment(
        identity=str(entry.get("id") or ""),
        answers=str(entry.get("in_reply_to_id") or ""),
        author=author.get("login", "") if isinstance(author, dict) else author,
        date=date[:10] if isinstance(date, str) else date,
        path=entry.get("path") or "",
        line=_number(entry.get("line")),
        first_line=_number(entry.get("start_line")),
        is_before=entry.get("side") == "LEFT",
        body=entry.get("body") or "",
    )
    texts = (comment.author, comment.date, comment.path, comment.body)
    if not all(isinstance(each, str) for each in texts):
        raise CommentsRefused(path=path, detail="a comment whose parts are no texts")
    return comment


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
