# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of bad model folders share: which files there are, and how a refusal looks."""

from __future__ import annotations

import shutil
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import stubs
from facewright.core.errors import UserError
from facewright.core.models.model import load_emotion_model, load_model

FAMILIES = sorted(stubs.FAMILIES)
LOAD: dict[str, Callable[..., Any]] = {
    "regression": load_model,
    "diffusion": load_model,
    "emotion": load_emotion_model,
}
JSON_FILES = [
    ("regression", "model.json"), ("regression", "network_info.json"),
    ("regression", "model_config.json"), ("regression", "bs_skin_config.json"),
    ("regression", "bs_tongue_config.json"), ("diffusion", "model.json"),
    ("diffusion", "network_info.json"), ("diffusion", "model_config_Claire.json"),
    ("diffusion", "bs_skin_config_Claire.json"), ("diffusion", "bs_tongue_config_Claire.json"),
    ("emotion", "model.json"), ("emotion", "network_info.json"), ("emotion", "model_config.json"),
]  # fmt: skip
NPZ_FILES = [
    ("regression", "model_data.npz", "shapes_matrix_skin"),
    ("regression", "implicit_emo_db.npz", "emo_db"),
    ("regression", "bs_skin.npz", "jawOpen"),
    ("regression", "bs_tongue.npz", "tongueUp"),
    ("diffusion", "model_data_Claire.npz", "neutral_skin"),
    ("diffusion", "bs_skin_Claire.npz", "jawOpen"),
    ("diffusion", "bs_tongue_Claire.npz", "neutral"),
]
ALLOWED_BYTES = 24 << 20  # of Python and numpy, for any refusal; the bombs are larger


def spoiled(families: dict[str, Path], family: str, folder: Path) -> Path:
    """A copy of a family's folder that a test may spoil."""
    return shutil.copytree(families[family], folder / "spoiled")


def refusal(family, folder):
    """The sentence that loading a folder is refused with; memory stays small meanwhile."""
    tracemalloc.start()
    try:
        with pytest.raises(UserError) as caught:
            LOAD[family](folder)
        assert tracemalloc.get_traced_memory()[1] < ALLOWED_BYTES
    finally:
        tracemalloc.stop()
    message = caught.value.message
    assert message.endswith(".")
    assert "\n" not in message
    assert "Traceback" not in message
    return message
