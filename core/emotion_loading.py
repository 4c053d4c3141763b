# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a model folder. Filled in shortly."""

from __future__ import annotations

from pathlib import Path

from .models import EmotionModel


def read_emotion_model(folder: Path) -> EmotionModel:
    """Read and check. Raises UserError."""
    raise NotImplementedError(folder)
