from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from opparity.evaluation.checkpoint import write_checkpoint
from opparity.evaluation.language_model import Configuration, LanguageModel

if TYPE_CHECKING:
    from pathlib import Path

# The least sizes that a 128 x 128 block allows, in two layers.
SMALL = Configuration(hidden_size=128, intermediate_size=256, num_layers=2, num_heads=4, context=64)


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    """Small matrices gain nothing from threads, and test workers would fight for the cores."""
    torch.set_num_threads(1)


@pytest.fixture
def small_model() -> LanguageModel:
    """A model with random weights, large enough that its logits differ from one another."""
    torch.manual_seed(3)
    model = LanguageModel(SMALL)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.normal_(std=0.2)
    return model.eval()


@pytest.fixture
def small_folder(small_model: LanguageModel, tmp_path: Path) -> Path:
    folder = tmp_path / "small"
    write_checkpoint(small_model, folder, training={"seed": 3})
    return folder
