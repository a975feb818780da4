"""The operators that Python files define, with the conditions under which they exist."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import ALWAYS, UNDECIDED, conjunction, disjunction
from opparity.checker.facts.native import Unfollowed
from opparity.checker.facts.python import Guard
from opparity.checker.languages.python.operator_uses import SCHEMA, is_helper
from opparity.checker.languages.python.records import Computed
from opparity.checker.languages.python.templates import filled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.facts.conditions import Condition
    from opparity.checker.facts.python import Fake, PythonRegistration
    from opparity.checker.languages.python.importing import Importing
    from opparity.checker.languages.python.names import Names
    from opparity.checker.languages.python.reach import Users
    from opparity.checker.languages.python.records import ModuleFacts

_OWNER = re.compile(r"(\w+)::")


@dataclass(slots=True)
class Definitions:
    """What files define, under the names that constants of other files give.

    Attributes:
        users: where each function is named.
        default_library: that of the tree's own helper that defines operators; "" without one.
    """

    names: Names
    importing: Importing
    users: Users
    default_library: str = field(init=False)

    def __post_init__(self) -> None:
        found = {
            library
            for facts in self.names.modules.values()
            if any(name.endswith("register_custom_op") for name in facts.functions)
            for library in facts.libraries.values()
        }
        self.default_library = next(iter(found)) if len(found) == 1 else ""

    def fakes(self, path: str, facts: ModuleFacts) -> Iterator[Fake]:
        """Yield the fakes of operators in a file."""
        for fake in facts.fakes:
            library = fake.library or self.default_library
            guards = self.names.guards(fake.guards, path) + self.importing.guards(path)
            if library:
                yield replace(fake, library=library, guards=guards)

    def of(self, path: str, facts: ModuleFacts) -> Iterator[PythonRegistration | Unfollowed]:
        """Yield what a file defines, and the definitions whose names are not known."""
        plain = (Computed(each, each.operator, frozenset()) for each in facts.registrations)
        for each in (*plain, *facts.computed):
            registration = each.registration
            named = self._with_texts(path, registration, each.own)
            library = named.library or self.default_library
            is_computed = "{" in registration.library or not registration.operator
            # What the tree's own helper defines, its calls say.
            if is_computed and not named.operator and not is_helper(registration.inside):
                written = _OWNER.match(registration.schema)
                owner = "" if "{" in registration.library else registration.library
                yield Unfollowed(
                    each.written, written[1] if written else owner, registration.location
                )
            elif library and named.operator:
                guards = self.names.guards(registration.guards, path) + self.importing.guards(path)
                called = self._called_at_import(path, registration.inside)
                if called != ALWAYS:
                    guards += (Guard(called, registration.location),)
                yield replace(named, library=library, guards=guards)

    def _with_texts(
        self, path: str, registration: PythonRegistration, own: frozenset[str]
    ) -> PythonRegistration:
        """Return a registration with the names in it replaced by their texts; no operator if none.

        Args:
            path: the file.
            registration: a definition.
            own: the names in it that are no constants' there.
        """
        if "{" not in registration.library + registration.schema:
            return registration

        def text_of(name: str) -> str:
            return "" if name.partition(".")[0] in own else self.names.text(path, name)

        library = filled(registration.library, text_of)
        schema = filled(registration.schema, text_of)
        match = SCHEMA.match(schema)
        operator = match["operator"] if match else registration.operator
        owner = (match and match["library"]) or library
        if "{" in registration.library and not owner:
            operator = ""
        schema = schema if "(" in schema else ""
        return replace(registration, library=owner, operator=operator, schema=schema)

    def _called_at_import(self, path: str, name: str) -> Condition:
        """Return the condition under which a function is called while modules are imported."""
        if not name:
            return ALWAYS
        calls = [
            conjunction(
                *(guard.condition for guard in self.names.guards(use.guards, user)),
                ALWAYS if user == path else self.importing.condition(user),
            )
            for user, use in self.users.get((path, name), ())
            if use.is_call and use.at_import
        ]
        return disjunction(*calls) if calls else UNDECIDED
