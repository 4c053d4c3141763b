# SPDX-License-Identifier: GPL-3.0-or-later
"""What a face does while a recording sounds, measured on the posed head.

Faces come from a model by the product's own path, or from weights files.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import soundfile

from ...core.errors import UserError
from ...core.exchange.weights_json import read_weights
from ...core.face.track import FaceTrack
from ...core.head import Head, lip_gap, lip_to_teeth, lips_only, pose_skin
from ...core.naming import ARKIT_NAMES
from ...core.pipeline import Loaded, Request, animate, open_model
from ...core.voice.audio import Voice
from .labelled import Labelled

FPS = Fraction(60)
RATE = 16000
# What of the shapes shows each articulation curve; the mean of the sides counts.
SHOWN = {
    "jaw": ("jawOpen",),
    "round": ("mouthPucker", "mouthFunnel"),
    "wide": ("mouthStretchLeft", "mouthStretchRight", "mouthSmileLeft", "mouthSmileRight"),
}
Actor = Callable[[Labelled], FaceTrack]


@dataclass(frozen=True)
class Performance:
    """A mouth over time.

    ``gap``   (T,) between the lips, ``teeth`` (T,) lower lip to upper teeth, over mouth width
    ``shown`` (T,) per curve "jaw", "round", "wide": weights of the shapes that show it
    """

    rate: float
    gap: np.ndarray
    teeth: np.ndarray
    shown: dict[str, np.ndarray]

    @property
    def times(self) -> np.ndarray:
        """Seconds of the frames."""
        return np.arange(len(self.gap)) / self.rate


class Stage:
    """The head on which faces are measured."""

    def __init__(self, head: Head) -> None:
        self.head = lips_only(head)

    def perform(self, face: FaceTrack) -> Performance:
        """Pose the head with every frame; shapes that the face lacks stay at 0."""
        weights = np.zeros((face.frame_count, len(ARKIT_NAMES)), np.float32)
        for column, name in enumerate(ARKIT_NAMES):
            if name in face.names:
                weights[:, column] = face.weights[:, face.names.index(name)]
        skin = pose_skin(self.head, weights)
        shown = {
            curve: weights[:, [ARKIT_NAMES.index(name) for name in names]].mean(axis=1)
            for curve, names in SHOWN.items()
        }
        return Performance(
            float(face.fps), lip_gap(self.head, skin), lip_to_teeth(self.head, skin), shown
        )


class Model:
    """Animates by the product's own path and its defaults, 60 frames a second, one thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.loaded: Loaded = open_model(folder, threads=1)

    def act(self, voice: Voice) -> FaceTrack:
        """The face of a voice."""
        return animate(Request(voice, self.folder, FPS, threads=1), loaded=self.loaded).face

    def __call__(self, recording: Labelled) -> FaceTrack:
        """The face of a recording."""
        return self.act(recording.voice)


def weights_files(folder: Path) -> Actor:
    """Faces from weights files: ``folder/LANGUAGE/NAME.json`` for every recording."""

    def act(recording: Labelled) -> FaceTrack:
        path = folder / recording.language / f"{Path(recording.name).stem}.json"
        if not path.exists():
            raise UserError(
                f"There is no weights file {path}.",
                f"Export one for the recording {recording.path}, or choose fewer with --only.",
            )
        return read_weights(path)

    return act


def spoken(samples: np.ndarray, name: str) -> Voice:
    """Samples at 16 kHz as a voice."""
    packed = io.BytesIO()
    soundfile.write(packed, np.clip(samples, -1, 1), RATE, format="WAV", subtype="FLOAT")
    return Voice(data=packed.getvalue(), name=name)
