"""save_pretrained of a fused model: it saves the model as it was, for plain transformers.

The names of Opparity's MLPs and linear layers are none that transformers knows: of a checkpoint
with them it would read nothing, and give those layers random weights. Norms keep their names.
"""

from __future__ import annotations

import inspect
import weakref
from typing import TYPE_CHECKING, Any, NoReturn

from opparity.operators.refusal import refuse

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from torch import nn

    from opparity.integrations.transformers.fusion import Fusion

NAME = "save_pretrained"
_LOST = (
    "{}, and with it the layers that stood there before; allowed: a model that transformers can "
    "read again; {}"
)


class SaveAsBefore:
    """A fused model's `save_pretrained`: the model's own modules stand there while it saves.

    It holds neither the model nor the fusion, so that who lets the fusion go frees what was
    replaced.
    """

    def __init__(self, fusion: Fusion, model: nn.Module) -> None:
        self.fusion, self._model = weakref.ref(fusion), weakref.ref(model)
        # Another fusion's, or whatever was put on the model itself.
        self.before: Callable[..., Any] | None = vars(model).get(NAME)

    def __call__(self, *positional: Any, **named: Any) -> Any:  # noqa: ANN401 -- transformers' own
        """Save, and put the fused modules back whether or not that fails.

        Raises:
            ArgumentRefused: the fusion is gone.
        """
        fusion, model = self.fusion(), self._model()
        if fusion is None or model is None:
            what = "the Fusion that fuse() returned is gone"
            refuse(NAME, _LOST.format(what, "keep it, or save the model before it is fused"))
        save = self.before or getattr(type(model), NAME).__get__(model)
        with fusion.undone():
            return save(*positional, **named)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[()]]:
        """Be copied and pickled without the modules that were there before."""
        return _refusing, ()


def _refusing() -> Callable[..., NoReturn]:
    return refuse_saving


def refuse_saving(*_: object, **__: object) -> NoReturn:
    """Refuse to save a copy of a fused model.

    Raises:
        ArgumentRefused: always.
    """
    what = "the model is a copy of one that was fused, without its Fusion"
    refuse(NAME, _LOST.format(what, "save the one that was copied, or load it anew"))


def refuse_around(*_: object) -> None:
    """Refuse the state_dict that another model's `save_pretrained` asks of what was fused.

    A hook of the fused modules, which are not in the model while the fused one saves.

    Raises:
        ArgumentRefused: a model around the fused one is being saved.
    """
    frame: FrameType | None = inspect.currentframe()
    while frame is not None:
        # PEFT asks for all, and saves the adapters alone.
        of_peft = frame.f_globals.get("__name__", "").partition(".")[0] == "peft"
        if frame.f_code.co_name == NAME and not of_peft:
            refuse(
                NAME,
                "a part of the model was fused; allowed: the model that fuse() was given, saved by "
                "its own save_pretrained; call undo() of the Fusion first, or fuse the whole model",
            )
        frame = frame.f_back


def install(fusion: Fusion, model: nn.Module) -> None:
    """Let a model of transformers save as it was before a fusion that changed names."""
    for module in fusion.renamed:
        module.register_state_dict_pre_hook(refuse_around)
    if fusion.renamed and callable(getattr(model, NAME, None)):
        setattr(model, NAME, SaveAsBefore(fusion, model))


def uninstall(fusion: Fusion, model: nn.Module) -> None:
    """Give a model its own way of saving back, unless something else stands there by now."""
    saves = vars(model).get(NAME)
    if isinstance(saves, SaveAsBefore) and saves.fusion() is fusion:
        delattr(model, NAME)
        if saves.before is not None:
            setattr(model, NAME, saves.before)
