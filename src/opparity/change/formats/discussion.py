"""The reviewers' comments as Markdown: quoted as code, so that nothing in them is interpreted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.escapes import code, code_block
from opparity.words.marking import heading, say
from opparity.words.statements import state

if TYPE_CHECKING:
    from opparity.change.model import Discussed, Discussion
    from opparity.words.catalogue import Catalogue


def discussion_lines(discussion: Discussion, catalogue: Catalogue) -> list[str]:
    """Return the comments with what the checker says, and an empty line; nothing for none."""
    if not discussion.quoted:
        return []
    lines = [*heading(catalogue, "comments", 3), catalogue.word("text.comments"), ""]
    for each in discussion.quoted:
        lines += _comment(each, catalogue)
    if discussion.left_out:
        left = state("text.comments_left_out", count=discussion.left_out)
        lines += [say(catalogue, left), ""]
    if discussion.is_cut:
        lines += [catalogue.word("text.cut"), ""]
    return lines


def _comment(discussed: Discussed, catalogue: Catalogue) -> list[str]:
    comment = discussed.comment
    colon = catalogue.word("punctuation.colon")
    place = f"{comment.path}:{comment.line}" if comment.line else comment.path
    head = [code(each) for each in (comment.author, comment.date, place) if each]
    why = catalogue.word("list.next").join(say(catalogue, each) for each in discussed.reasons)
    lines = [
        f"- {' · '.join(head) or '—'}",
        "",
        *(f"  {line}" for line in code_block(comment.body.splitlines(), "text")),
        "",
        f"  {catalogue.word('text.comment_why')}{colon}{why}",
        "",
    ]
    if not discussed.answers:
        return [*lines, f"  {catalogue.word('text.comment_nothing')}", ""]
    lines += [f"  {catalogue.word('text.comment_says')}{colon}", ""]
    return [*lines, *(f"  - {say(catalogue, each)}" for each in discussed.answers), ""]
