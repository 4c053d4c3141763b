# SPDX-License-Identifier: GPL-3.0-or-later
"""Where training keeps what it fetches and makes: always outside the checkout.

``FACEWRIGHT_CACHE`` names the root (default ``~/.cache/facewright``); everything of
ours lies in its folder ``training``.
"""

from __future__ import annotations

import os
from pathlib import Path

TRAINING_FOLDER = Path(__file__).resolve().parent
CHECKOUT = TRAINING_FOLDER.parent
MODEL_FOLDER = CHECKOUT / "models" / "facewright"
EMOTION_FOLDER = CHECKOUT / "models" / "facewright-emotion"
HEAD_FILE = CHECKOUT / "assets" / "head.npz"


def cache_folder(*parts: str) -> Path:
    """The folder ``parts`` inside the training cache, made on demand."""
    root = os.environ.get("FACEWRIGHT_CACHE") or Path.home() / ".cache" / "facewright"
    folder = Path(root, "training", *parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def labelled_speech_folder() -> Path:
    """Recorded speech with phone labels; for tests only, never for training."""
    named = os.environ.get("FACEWRIGHT_TEST_DATA")
    return Path(named) / "speech" if named else CHECKOUT.parent / "shared" / "data" / "speech"
