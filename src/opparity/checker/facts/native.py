"""What C++, CUDA and HIP files say; all frozen, all picklable."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import ALWAYS, Condition
from opparity.checker.facts.records import fact

if TYPE_CHECKING:
    from opparity.checker.facts.places import Location, Problem


@fact
class Parameter:
    """A function's parameter; the type is normalised text without spaces around * and &."""

    type: str
    name: str = ""
    has_default: bool = False


@fact
class Signature:
    """What two functions must share to be one function."""

    name: str
    namespace: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    return_type: str

    @property
    def qualified(self) -> str:
        """Return namespace::name."""
        return "::".join((*self.namespace, self.name))


@fact
class Declaration:
    """A function's prototype; `is_member` for one in a class, `is_exported` for other libraries."""

    signature: Signature
    location: Location
    condition: Condition = ALWAYS
    is_member: bool = False
    is_exported: bool = False


@fact
class Definition:
    """A function's body, or an explicit instantiation of a template (`is_instantiation`).

    Attributes:
        is_local: `static`, or in an anonymous namespace: no other file can link to it.
        is_exported: it says itself that other libraries may use it.
        is_empty: the body has no statement under any condition.
        content: the condition under which the body has a statement at all.
        end_line: the body's last line.
        is_guessed: found by its looks in a file that the grammar could not follow; the namespace
            and parameters are not known.
        arguments: the template arguments of an explicit instantiation or a full specialisation.
    """

    signature: Signature
    location: Location
    condition: Condition = ALWAYS
    is_local: bool = False
    is_template: bool = False
    is_inline: bool = False
    is_kernel: bool = False
    is_instantiation: bool = False
    is_empty: bool = False
    end_line: int = 0
    is_guessed: bool = False
    arguments: tuple[str, ...] = ()
    content: Condition = ALWAYS
    is_exported: bool = False


@fact
class ClassInstance:
    """An explicit instantiation of a class template: `template class Scaler<float>;`."""

    name: str
    arguments: tuple[str, ...]
    location: Location
    condition: Condition = ALWAYS


class RegistrationKind(StrEnum):
    """What a registration says."""

    DEF = "def"
    IMPL = "impl"
    BIND = "bind"  # pybind11, TVM-FFI: name and function at once, no dispatcher


@fact
class Registration:
    """One `def`, `impl` or binding.

    Attributes:
        kind: what it says.
        library: the namespace, e.g. "_C"; a macro's name where the source has a macro.
        operator: the operator's name without namespace and overload's dot.
        style: "torch_library", "stable", "pybind", "tvm_ffi", "dispatch_macro",
            "method_table".
        schema: the whole schema string of a def; "" where there is none.
        key: the dispatch key of an impl ("CUDA", "CPU"); "" for all.
        symbol: the function bound, as written without `&` and template arguments; "" if none.
        mentioned: functions that a bound lambda calls.
        argument_names: `py::arg` names in order.
        argument_defaults: how many of them, from the end, have defaults.
        scope: the namespaces and classes around it.
        parameters: those of a bound lambda; None for a function.
        helper: the function around it that is given the library; "" for a block's own.
    """

    kind: RegistrationKind
    library: str
    operator: str
    location: Location
    style: str
    condition: Condition = ALWAYS
    schema: str = ""
    key: str = ""
    symbol: str = ""
    mentioned: tuple[str, ...] = ()
    argument_names: tuple[str, ...] = ()
    argument_defaults: int = 0
    scope: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] | None = None
    helper: str = ""

    @property
    def qualified(self) -> str:
        """Return library::operator."""
        return f"{self.library}::{self.operator}" if self.library else self.operator

    @property
    def functions(self) -> tuple[str, ...]:
        """Return the functions that it binds or that a bound lambda calls."""
        return tuple(filter(None, (self.symbol, *self.mentioned)))


@fact
class LibraryBlock:
    """A block that defines a whole namespace: `TORCH_LIBRARY(demo, m)`."""

    library: str
    location: Location
    condition: Condition = ALWAYS


@fact
class BoxedFunction:
    """A function that takes its arguments from a stack, and leaves its results there.

    Attributes:
        reads, writes: how many places of the stack it reads and writes, from the first.
    """

    name: str
    reads: int
    writes: int
    location: Location
    condition: Condition = ALWAYS


@fact
class HandedOn:
    """A library that a registration block gives to a function: `register_kernels(m)`.

    Attributes:
        function: the function's name as written there.
        parameters: those of a bound lambda; None for a function.
        helper: the function around it, where that is itself given the library.
    """

    function: str
    library: str
    key: str
    style: str
    location: Location
    condition: Condition = ALWAYS
    helper: str = ""


@fact
class Unfollowed:
    """A registration that could not be followed: an unknown macro or function, a computed name.

    Attributes:
        text: the macro's or function's name, or the expression that makes the operator's name.
        library: the namespace that it registers in; "" where that is not known either.
    """

    text: str
    library: str
    location: Location
    condition: Condition = ALWAYS


@fact
class Reference:
    """A use of a function's name in native code: a call, a launch, or its address.

    Attributes:
        arguments: the template arguments that a call in an ordinary function writes out.
        symbol: the last part of the name.
        qualifier: the parts before it, as they are written there.
        inside: the function around it; "" where there is none.
        is_in_template: in a template's body, compiled only where the template is used.
        is_in_inline: in an inline function's body, emitted only where the function is used.
    """

    symbol: str
    location: Location
    condition: Condition = ALWAYS
    inside: str = ""
    is_in_template: bool = False
    is_in_inline: bool = False
    qualifier: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()


@fact
class MacroTest:
    """A macro in an `#if`, `#ifdef`, `#ifndef` or `#elif`."""

    name: str
    location: Location


@fact
class MacroDefinition:
    """`#define NAME value` in the tree; `is_function` for one with parameters."""

    name: str
    value: str
    location: Location
    condition: Condition = ALWAYS
    is_function: bool = False


@fact
class MacroBody:
    """A macro whose body registers operators: its text, line for line, without backslashes.

    Attributes:
        makes_block: it opens a registration block of its own.
    """

    name: str
    parameters: tuple[str, ...]
    text: str
    location: Location
    condition: Condition = ALWAYS
    makes_block: bool = False


@fact
class MacroUse:
    """A macro that stands as a statement in a registration block, and the block's head.

    One that stands outside of every block, and may make one, has no variable.
    """

    name: str
    arguments: tuple[str, ...]
    location: Location
    variable: str
    library: str
    key: str
    style: str
    condition: Condition = ALWAYS


@fact
class AliasedBlock:
    """A body behind a macro that is not known yet: `REGISTER_LIBRARY(demo, m) { m.def(…); }`.

    Attributes:
        text: the body with its braces; "" where the grammar did not follow the head.
        scope: the namespaces around it.
        branches: the lines of the body where another condition begins to hold, and these.
    """

    name: str
    arguments: tuple[str, ...]
    text: str
    location: Location
    condition: Condition = ALWAYS
    scope: tuple[str, ...] = ()
    branches: tuple[tuple[int, Condition], ...] = ()


@fact
class LaneMask:
    """A `__shfl_*_sync`-like call with a mask literal of 32 bits."""

    function: str
    mask: str
    location: Location
    condition: Condition = ALWAYS
    inside: str = ""
    is_in_template: bool = False


@fact
class Constant:
    """A number that a constant is given: `constexpr int ARCH = 90;`."""

    number: str
    condition: Condition = ALWAYS


@fact
class InitFunction:
    """What Python calls to import a module: `PYBIND11_MODULE(name, m)`, `PyInit_name`.

    Attributes:
        module: the module's name as written, perhaps a macro.
    """

    module: str
    location: Location
    condition: Condition = ALWAYS


@fact
class Include:
    """`#include "path"`, as written."""

    path: str
    location: Location
    condition: Condition = ALWAYS


@fact
class NativeFile:
    """Everything read from one C++, CUDA or HIP file.

    Attributes:
        templates: the function templates that are declared without a body.
        boxed: the functions that take a stack by hand.
        called: every name that is called or whose address is taken.
        references: the uses of functions inside of functions; of those inside of templates, the
            file's own templates' and the functions' with lane masks.
        tabled: the names in initialisers outside of functions, some of them functions'.
        owned: the blocks that define a namespace as a whole.
        handed_on: libraries that registration blocks give to functions.
        unfollowed: registrations that could not be followed.
        aliased: bodies behind macros that may open registration blocks.
        named: the names that registration blocks write as texts, of operators, classes and values.
        opened_namespaces: those that a using-directive or -declaration names, in parts.
        has_errors: the grammar could not follow the whole file.
        macro_calls: the macros with parameters in an `#if` or `#elif`: `#if WITH_MKL()`.
    """

    path: str
    declarations: tuple[Declaration, ...] = ()
    templates: tuple[Declaration, ...] = ()
    definitions: tuple[Definition, ...] = ()
    class_instances: tuple[ClassInstance, ...] = ()
    registrations: tuple[Registration, ...] = ()
    owned: tuple[LibraryBlock, ...] = ()
    handed_on: tuple[HandedOn, ...] = ()
    unfollowed: tuple[Unfollowed, ...] = ()
    aliased: tuple[AliasedBlock, ...] = ()
    named: frozenset[str] = frozenset()
    boxed: tuple[BoxedFunction, ...] = ()
    called: frozenset[str] = frozenset()
    references: tuple[Reference, ...] = ()
    constants: tuple[Constant, ...] = ()
    init_functions: tuple[InitFunction, ...] = ()
    tabled: tuple[Reference, ...] = ()
    opened_namespaces: tuple[tuple[str, ...], ...] = ()
    has_errors: bool = False
    macro_tests: tuple[MacroTest, ...] = ()
    macro_calls: tuple[MacroTest, ...] = ()
    macro_definitions: tuple[MacroDefinition, ...] = ()
    lane_masks: tuple[LaneMask, ...] = ()
    includes: tuple[Include, ...] = ()
    macro_bodies: tuple[MacroBody, ...] = ()
    macro_uses: tuple[MacroUse, ...] = ()
    problems: tuple[Problem, ...] = ()
