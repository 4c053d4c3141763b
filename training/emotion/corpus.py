# SPDX-License-Identifier: GPL-3.0-or-later
"""The recordings of acted emotion: EmoDB, or those of its speakers that are there.

They are no part of the project. A file's name says its speaker (the first two characters) and its
emotion (the sixth).
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...core.voice.audio import Voice, read_voice
from ..paths import CHECKOUT

EMOTIONS = {
    "W": "angry",
    "E": "disgust",
    "A": "fear",
    "F": "happy",
    "N": "neutral",
    "T": "sad",
    "L": "boredom",
}
NAME = re.compile(rf"(\d\d)[ab]\d\d([{''.join(EMOTIONS)}])[a-z]?")
FEWEST_SPEAKERS = 3  # one is left out, and one of the others is needed to calibrate


@dataclass(frozen=True)
class Recording:
    """One acted sentence: (n,) float32 samples at 16 kHz, who speaks, and which emotion."""

    name: str
    samples: np.ndarray
    speaker: str
    emotion: str


def corpus_folder() -> Path:
    """Where the recordings lie unless another folder is named."""
    named = os.environ.get("FACEWRIGHT_TEST_DATA")
    data = Path(named) if named else CHECKOUT.parent / "shared" / "data"
    return data / "emotion" / "emodb"


def read_corpus(folder: Path) -> list[Recording]:
    """All recordings of a folder, in order of their names.

    Raises RuntimeError that says what has to lie where when there are none, or too few speakers.
    """
    paths = sorted(path for path in folder.glob("*") if path.suffix in (".wav", ".flac"))
    found = [(path, NAME.fullmatch(path.stem)) for path in paths]
    recordings = [
        Recording(path.stem, _samples(path), match[1], EMOTIONS[match[2]])
        for path, match in found
        if match
    ]
    if len({one.speaker for one in recordings}) < FEWEST_SPEAKERS:
        raise RuntimeError(
            f"{folder} holds no recordings to learn emotion from. Put those of the Berlin Database "
            "of Emotional Speech (EmoDB, published as CC0) there, as .wav or .flac files with "
            "their own names such as 03a01Fa.wav, or name their folder with --emotion; those of "
            f"{FEWEST_SPEAKERS} speakers are needed at least."
        )
    return recordings


def _samples(path: Path) -> np.ndarray:
    return read_voice(Voice(str(path))).samples
