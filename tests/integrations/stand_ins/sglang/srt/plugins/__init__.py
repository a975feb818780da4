from importlib.metadata import entry_points

from sglang.srt.plugins.hook_registry import HookRegistry


def load_plugins() -> None:
    for found in entry_points(group="sglang.srt.plugins"):
        found.load()()
    HookRegistry.apply_hooks()
