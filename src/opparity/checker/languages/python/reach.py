"""The condition under which a function or class of the tree is used at all."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import ALWAYS, conjunction, disjunction, permissive

if TYPE_CHECKING:
    from opparity.checker.facts.conditions import Condition
    from opparity.checker.languages.python.names import Names
    from opparity.checker.languages.python.records import NameUse

# (file, function or class) -> where it is named, as (file, use).
Users = dict[tuple[str, str], list[tuple[str, "NameUse"]]]
# Methods by which a class says where it works; whoever chooses among classes asks them first.
_SAYS_WHERE = re.compile(
    r"_?(?:is_supported|can_implement|is_available|supported|supports_(?:current_)?(?:device|platform)"
    r"|is_(?:device|platform)_supported)"
)


def users_of(names: Names) -> Users:
    """Return where each function and class of the tree is named, methods by their class."""
    users: Users = {}
    for path, facts in names.modules.items():
        for use in facts.uses:
            target = _named(names, path, use)
            if target:
                bound = names.binding_guards(path, use, target[0])
                named = replace(use, guards=use.guards + bound, bound=bound) if bound else use
                users.setdefault(target, []).append((path, named))
    return users


def _named(names: Names, path: str, use: NameUse) -> tuple[str, str] | None:
    target = names.target(path, use.name)
    facts = names.modules.get(target[0]) if target else None
    if target is None or facts is None:
        return None
    name = facts.around(target[1])
    return (target[0], name) if name else None


@dataclass(slots=True)
class Reach:
    """Follows a function's users, and theirs, to the conditions around them.

    Attributes:
        followed: files all of whose importers were read.
        users: where each function and class is named.
    """

    names: Names
    followed: frozenset[str]
    users: Users
    reached: dict[tuple[str, str], Condition] = field(default_factory=dict)

    def condition(self, path: str, name: str) -> Condition:
        """Return the condition under which a function or class of the tree is used at all."""
        key = (path, name)
        if key not in self.reached:
            self.reached[key] = ALWAYS
            self.reached[key] = self._reach(path, name)
        return self.reached[key]

    def _reach(self, path: str, name: str) -> Condition:
        function = self.names.modules[path].functions[name]
        if function.is_class:
            return conjunction(self._used(path, name), self._supported(path, name))
        return self._used(path, name)

    def _supported(self, path: str, name: str) -> Condition:
        """Return where a class says that it works: `can_implement` turns platforms away."""
        methods = self.names.methods(path, name)
        asked = [
            self.names.answer(*place)
            for method, place in methods.items()
            if _SAYS_WHERE.fullmatch(method)
        ]
        return conjunction(*(permissive(condition) for condition in asked))

    def _used(self, path: str, name: str) -> Condition:
        function = self.names.modules[path].functions[name]
        outer = name.rpartition(".")[0]
        if outer and outer in self.names.modules[path].functions:
            return self.condition(path, outer)
        uses = [
            (user, use)
            for user, use in self.users.get((path, name), ())
            if not (user == path and (use.inside + ".").startswith(name + "."))
        ]
        private = name.startswith("_")
        if function.is_implicit or not uses or not (private or path in self.followed):
            return ALWAYS
        conditions = [self.of_use(user, use) for user, use in uses]
        return ALWAYS if ALWAYS in conditions else disjunction(*conditions)

    def of_use(self, path: str, use: NameUse) -> Condition:
        """Return the condition under which a use of a name is reached."""
        guards = self.names.guards(use.guards, path)
        own = conjunction(*(guard.condition for guard in guards))
        facts = self.names.modules[path]
        owner = facts.around(use.inside)
        if use.at_import or not owner:
            return own
        return conjunction(own, self.condition(path, owner))
