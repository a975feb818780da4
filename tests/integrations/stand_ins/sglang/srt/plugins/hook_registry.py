import pkgutil
from collections.abc import Callable
from enum import Enum
from typing import Any, ClassVar


class HookType(Enum):
    REPLACE = "replace"


class HookRegistry:
    _hooks: ClassVar[list[tuple[str, Callable[..., Any]]]] = []

    @classmethod
    def register(
        cls,
        target: str,
        hook: Callable[..., Any],
        hook_type: HookType = HookType.REPLACE,
        *,
        source: Any = None,
    ) -> None:
        cls._hooks.append((target, hook))

    @classmethod
    def apply_hooks(cls) -> None:
        for target, hook in cls._hooks:
            module, _, name = target.rpartition(".")
            setattr(pkgutil.resolve_name(module), name, hook)
