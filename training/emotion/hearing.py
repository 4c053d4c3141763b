# SPDX-License-Identifier: GPL-3.0-or-later
"""What the ear makes of the recordings: rows to train with, and windows to measure with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ...core.emotion.detection import LONGEST
from ...core.limits import SAMPLE_RATE
from ...core.parameters import PARAMETERS
from ...core.windows import segment
from ..progress import Progress
from .corpus import Recording
from .ear import Ear
from .fitting import CLASSES, Rows
from .recipe import Recipe
from .variants import PANEL, centred, changed, lone_noise

STEP = SAMPLE_RATE // 2  # samples between windows that lie inside of a recording
SETS = ("recordings", "windows", "keys")


def heard(ear: Ear, waves: Sequence[np.ndarray], marks: Sequence[tuple[str, str, int]]) -> Rows:
    """Rows of windows of any lengths; ``marks`` give emotion, speaker and recording of each."""
    features, presence = [], []
    with torch.no_grad():
        for wave in waves:
            found, present = ear(torch.tensor(np.ascontiguousarray(wave, np.float32))[None])
            features.append(found[0].numpy())
            presence.append(float(present[0]))
    return Rows(
        np.array(features, np.float64),
        np.array(presence),
        np.array([CLASSES.index(emotion) for emotion, _speaker, _place in marks]),
        np.array([speaker for _emotion, speaker, _place in marks]),
        np.array([place for _emotion, _speaker, place in marks]),
    )


def training_rows(ear: Ear, recordings: Sequence[Recording], recipe: Recipe) -> Rows:
    """The recordings, their changed copies, and noise alone."""
    random = np.random.default_rng(recipe.seed)
    progress = Progress("emotion", len(recordings), "recordings heard")
    waves: list[np.ndarray] = []
    marks: list[tuple[str, str, int]] = []
    parts = []
    for place, one in enumerate(recordings):
        waves = [
            one.samples,
            *(changed(one.samples, recipe, random) for _ in range(recipe.versions)),
        ]
        marks = [(one.emotion, one.speaker, place)] * len(waves)
        parts.append(heard(ear, waves, marks))
        progress.update(place + 1)
    waves = [lone_noise(recipe, random) for _ in range(recipe.noises)]
    parts.append(heard(ear, waves, [("neutral", "", -1)] * len(waves)))
    return joined(parts)


def measuring_rows(ear: Ear, recordings: Sequence[Recording]) -> dict[str, Rows]:
    """What is measured, by name.

    ``recordings``  the longest window, around each recording's middle: as frame by frame
    ``windows``     windows of 1.4 s inside of each recording, every half second
    ``keys``        windows of 1.4 s around the keys that the panel sets, silence beyond the ends
    """
    found: dict[str, list[Rows]] = {name: [] for name in SETS}
    for place, one in enumerate(recordings):
        for name, waves in _windows(one.samples).items():
            marks = [(one.emotion, one.speaker, place)] * len(waves)
            found[name].append(heard(ear, waves, marks))
    return {name: joined(parts) for name, parts in found.items()}


def _windows(samples: np.ndarray) -> dict[str, list[np.ndarray]]:
    inside = range(0, max(len(samples) - PANEL, 0) + 1, STEP)
    interval = round(float(PARAMETERS["key_interval"].default) * SAMPLE_RATE)
    keys = range(-(PANEL // 2), len(samples) + interval - PANEL // 2, interval)
    return {
        "recordings": [centred(samples, LONGEST)],
        "windows": [segment(samples, begin, begin + PANEL) for begin in inside],
        "keys": [segment(samples, begin, begin + PANEL) for begin in keys],
    }


def joined(parts: Sequence[Rows]) -> Rows:
    """All rows, in order."""
    return Rows(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("features", "presence", "labels", "speakers", "recordings")
        )
    )
