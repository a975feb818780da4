"""Names followed across files: modules, variables and functions that answer a test."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import (
    ALWAYS,
    UNDECIDED,
    And,
    Condition,
    Constant,
    Not,
    Or,
    Predicate,
    atoms,
    conjunction,
    disjunction,
    negation,
)
from opparity.checker.facts.python import Guard
from opparity.checker.languages.python.templates import read_texts
from opparity.checker.languages.python.tests_of_platform import (
    ASSERTED,
    PLATFORM_WORDS,
    on,
    tensor_on,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from opparity.checker.languages.python.records import ImportSite, ModuleFacts, NameUse

_PREDICATE = re.compile(r"_?(?:is|on|using|current_platform_is)_(?P<word>[a-z_]+?)(?:_platform)?$")
# A condition larger than this is not followed further: nobody would read it either.
_MOST_ATOMS = 60
_MOST_DEPTH = 6


def module_name(path: str) -> str:
    """Return a file's dotted module name from the tree's root: "pkg/a/__init__.py" -> "pkg.a"."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def module_paths(paths: Iterable[str]) -> dict[str, str]:
    """Return dotted module name -> path, by the tree's root and by each package's own folder.

    SGLang's "sgl-kernel/python/sgl_kernel/gemm.py" is sgl_kernel.gemm for whoever imports it, and
    its "python/sglang/srt/utils.py" is sglang.srt.utils although srt has no __init__.
    A name that two files would have is left out.
    """
    known = set(paths)
    found = {module_name(path): path for path in known}
    inner: dict[str, set[str]] = {}
    bases: dict[str, set[str]] = {}
    for path in known:
        folder = path.rpartition("/")[0]
        if folder not in bases:
            bases[folder] = _folders_searched(folder, known)
        for base in bases[folder]:
            inner.setdefault(module_name(path.removeprefix(f"{base}/")), set()).add(path)
    for name, files in inner.items():
        if len(files) == 1:
            found.setdefault(name, next(iter(files)))
    return found


def _folders_searched(folder: str, known: set[str]) -> set[str]:
    """Return the folders whose packages a folder's modules are named by.

    That of the outermost package, and that of the innermost chain of folders with an __init__.
    """
    chain, base, outer = folder, "", folder
    while chain and f"{chain}/__init__.py" in known:
        chain = chain.rpartition("/")[0]
    while outer:
        if f"{outer}/__init__.py" in known:
            base = outer.rpartition("/")[0]
        outer = outer.rpartition("/")[0]
    return {base, chain if chain != folder else ""} - {""}


@dataclass(slots=True)
class Names:
    """Every name of the files that were read.

    Attributes:
        modules: by path.
        paths: dotted module name -> path, for every Python file of the tree.
        packages: the tree's top-level packages and modules.
        predicates: the tree's own definitions of `is_cuda` and its like.
        contents: the bytes of every file, for the texts in files that were not read.
        texts: what was asked of these.
    """

    modules: dict[str, ModuleFacts]
    paths: dict[str, str]
    predicates: dict[str, Condition] = field(default_factory=dict)
    bound: dict[str, dict[str, list[ImportSite]]] = field(default_factory=dict)
    answered: dict[tuple[str, str], Condition] = field(default_factory=dict)
    packages: frozenset[str] = frozenset()
    contents: Mapping[str, bytes] = field(default_factory=dict)
    texts: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for path, facts in self.modules.items():
            sites = self.bound.setdefault(path, {})
            for site in facts.imports:
                sites.setdefault(site.bound, []).append(site)
        self.packages = frozenset(module.partition(".")[0] for module in self.paths)
        self.predicates = self._own_predicates()

    def file_of(self, module: str) -> str | None:
        """Return the file of a dotted module; the tree may be nested below a root folder."""
        if module in self.paths:
            return self.paths[module]
        return self.paths.get("src." + module)

    def target(self, path: str, name: str) -> tuple[str, str] | None:
        """Return (file, name in it) that a dotted name in a file stands for; None outside."""
        head, _, rest = name.partition(".")
        facts = self.modules.get(path)
        if facts and name in facts.functions:
            return path, name
        if facts and head in facts.functions:
            return path, name
        for site in self.bound.get(path, {}).get(head, ()):
            found = self._import_target(site, rest)
            if found:
                return found
        return (path, name) if facts and name in facts.variables else None

    def text(self, path: str, name: str) -> str:
        """Return the text that a module-level name has, here or where it is imported from."""
        own = self._texts(path).get(name, "")
        if own:
            return own
        file, inner = self.target(path, name) or ("", "")
        return self._texts(file).get(inner, "")

    def _texts(self, path: str) -> dict[str, str]:
        if path in self.modules:
            return self.modules[path].texts
        if path not in self.texts:
            self.texts[path] = read_texts(self.contents.get(path, b""))
        return self.texts[path]

    def _import_target(self, site: ImportSite, rest: str, depth: int = 0) -> tuple[str, str] | None:
        if not site.name:
            return self._in_module(site.module, rest)
        submodule = self.file_of(f"{site.module}.{site.name}")
        if submodule:
            return submodule, rest
        file = self.file_of(site.module)
        if file is None:
            return None
        name = f"{site.name}.{rest}" if rest else site.name
        again = self.bound.get(file, {}).get(site.name)
        # Two packages may offer each other's names in a circle.
        if again and again[0].module != site.module and depth < _MOST_DEPTH:
            return self._import_target(again[0], rest, depth + 1) or (file, name)
        return file, name

    def _in_module(self, module: str, rest: str) -> tuple[str, str] | None:
        """Return what `import a.b` and then `a.b.c.d` names: the longest module, then the rest."""
        parts = rest.split(".") if rest else []
        for length in range(len(parts), -1, -1):
            file = self.file_of(".".join([module, *parts[:length]]))
            if file:
                return file, ".".join(parts[length:])
        return None

    def binding_guards(self, path: str, use: NameUse, file: str) -> tuple[Guard, ...]:
        """Return the guards of the imports by which a name means something in another file.

        `if is_cuda: from ops import f` and `elif is_hip: from other import f as f`: a call of f
        is one of ops' f on CUDA alone.
        """
        sites = self._binding_sites(path, use, file)
        conditions = [
            conjunction(*(guard.condition for guard in site.guards if not _is_caught(guard)))
            for site in sites
        ]
        if not conditions or ALWAYS in conditions:
            return ()
        return (Guard(disjunction(*conditions), sites[0].location),)

    def is_bound_at_import(self, path: str, use: NameUse, file: str) -> bool:
        """Return whether a file has a name from another one as soon as it is imported."""
        return any(site.at_import for site in self._binding_sites(path, use, file))

    def _binding_sites(self, path: str, use: NameUse, file: str) -> list[ImportSite]:
        """Return the imports by which a name may mean something in another file."""
        head, _, rest = use.name.partition(".")
        facts = self.modules.get(path)
        if facts is None or head in facts.functions or file == path:
            return []
        return [
            site
            for site in self.bound.get(path, {}).get(head, ())
            if (site.at_import or (use.inside + ".").startswith(site.inside + "."))
            and (self._import_target(site, rest) or ("", ""))[0] == file
        ]

    def methods(self, path: str, name: str) -> dict[str, tuple[str, str]]:
        """Return a class's methods, its bases' included, each with its file and dotted name."""
        found: dict[str, tuple[str, str]] = {}
        waiting, seen = [(path, name)], set[tuple[str, str]]()
        while waiting:
            place = waiting.pop(0)
            facts = self.modules.get(place[0])
            if facts is None or place in seen:
                continue
            seen.add(place)
            for full in facts.functions:
                owner, _, method = full.rpartition(".")
                if owner == place[1]:
                    found.setdefault(method, (place[0], full))
            for base in facts.bases.get(place[1], ()):
                target = self.target(place[0], base)
                if target:
                    waiting.append(target)
        return found

    # ---- conditions

    def answer(self, path: str, name: str) -> Condition:
        """Return whether a function of the tree returns something true."""
        return self._answer(path, name, 0)

    def follow(self, condition: Condition, path: str, depth: int = 0) -> Condition:
        """Return a condition with its variables and functions replaced by what they say."""
        match condition:
            case And(operands):
                return conjunction(*(self.follow(each, path, depth) for each in operands))
            case Or(operands):
                return disjunction(*(self.follow(each, path, depth) for each in operands))
            case Not(operand):
                return negation(self.follow(operand, path, depth))
            case Predicate("variable", (name, inside)):
                return self._bounded(self._variable(name, inside, path, depth + 1))
            case Predicate("function", (name, inside)):
                return self._bounded(self._function(name, inside, path, depth + 1))
            case _:
                return condition

    def guards(self, guards: tuple[Guard, ...], path: str) -> tuple[Guard, ...]:
        """Return guards with their conditions followed; those that always hold are dropped."""
        if not guards:
            return ()
        followed = [self._guard(guard, path) for guard in guards]
        return tuple(guard for guard in followed if guard.condition != ALWAYS)

    def _guard(self, guard: Guard, path: str) -> Guard:
        if isinstance(guard.condition, Constant):
            return guard
        match guard.condition:
            case And((first, *rest)) if first == ASSERTED:
                condition = self.follow(conjunction(*rest), path)
                # What is asserted is what the author knows to hold; only a platform refutes it.
                known = ALWAYS if _has_unknown(condition) else condition
                return replace(guard, condition=known)
            case condition:
                return replace(guard, condition=self.follow(condition, path))

    def _bounded(self, condition: Condition) -> Condition:
        for number, _ in enumerate(atoms(condition)):
            if number >= _MOST_ATOMS:
                return UNDECIDED
        return condition

    def _variable(self, name: str, inside: str, path: str, depth: int) -> Condition:
        if depth > _MOST_DEPTH:
            return UNDECIDED
        facts = self.modules.get(path)
        if facts is None:
            return UNDECIDED
        if name.startswith("self."):
            owner = inside.rpartition(".")[0]
            found = facts.locals.get((owner, name.removeprefix("self.")))
            return self.follow(found, path, depth) if found else UNDECIDED
        scope = inside
        while scope:
            if (scope, name) in facts.locals:
                return self.follow(facts.locals[scope, name], path, depth)
            scope = scope.rpartition(".")[0]
        if name in facts.variables:
            return self.follow(facts.variables[name], path, depth)
        target = self.target(path, name)
        if target and target[0] != path and target[1] in self._variables_of(target[0]):
            return self.follow(self._variables_of(target[0])[target[1]], target[0], depth)
        owner, _, last = name.rpartition(".")
        return tensor_on(last) if owner else self._predicate(name)

    def _variables_of(self, path: str) -> dict[str, Condition]:
        facts = self.modules.get(path)
        return facts.variables if facts else {}

    def _function(self, name: str, inside: str, path: str, depth: int) -> Condition:
        if depth > _MOST_DEPTH:
            return UNDECIDED
        last = name.rpartition(".")[2]
        if name.startswith(("self.", "cls.")):
            owner = inside.rpartition(".")[0]
            target: tuple[str, str] | None = (path, f"{owner}.{last}")
        else:
            target = self.target(path, name)
        facts = self.modules.get(target[0]) if target else None
        if target and facts and target[1] in facts.functions:
            answer = self._answer(target[0], target[1], depth)
            if answer != UNDECIDED:
                return answer
        return self._predicate(last)

    def _answer(self, path: str, name: str, depth: int) -> Condition:
        """Return whether a function of the tree returns something true."""
        key = (path, name)
        if key not in self.answered:
            self.answered[key] = UNDECIDED
            returns = self.modules[path].functions[name].returns
            outcomes = [
                conjunction(
                    *(self.follow(guard.condition, path, depth) for guard in each.guards),
                    self.follow(each.value, path, depth),
                )
                for each in returns
            ]
            self.answered[key] = self._bounded(disjunction(*outcomes)) if outcomes else UNDECIDED
        return self.answered[key]

    def _predicate(self, name: str) -> Condition:
        """Return what a predicate such as `is_cuda_alike` says, by the tree's own definition."""
        if name in self.predicates:
            return self.predicates[name]
        match = _PREDICATE.match(name)
        if match and match["word"] in PLATFORM_WORDS:
            return on(PLATFORM_WORDS[match["word"]])
        return UNDECIDED

    def _own_predicates(self) -> dict[str, Condition]:
        """Return the tree's definitions of platform predicates that can be decided."""
        found: dict[str, set[Condition]] = {}
        for path, facts in self.modules.items():
            for name in facts.functions:
                last = name.rpartition(".")[2]
                match = _PREDICATE.match(last)
                if not match or match["word"] not in PLATFORM_WORDS:
                    continue
                answer = self._answer(path, name, 1)
                if not isinstance(answer, Constant) and _is_platform_only(answer):
                    found.setdefault(last, set()).add(answer)
        return {name: next(iter(each)) for name, each in found.items() if len(each) == 1}


def _is_caught(guard: Guard) -> bool:
    return isinstance(guard.condition, Predicate) and guard.condition.name == "caught"


def _is_platform_only(condition: Condition) -> bool:
    return all(
        isinstance(atom, Predicate) and atom.name == "platform" for atom in atoms(condition)
    ) and not _has_unknown(condition)


def _has_unknown(condition: Condition) -> bool:
    match condition:
        case Constant():
            return condition == UNDECIDED
        case Not(operand):
            return _has_unknown(operand)
        case And(operands) | Or(operands):
            return any(_has_unknown(operand) for operand in operands)
        case _:
            return False
