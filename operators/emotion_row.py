# SPDX-License-Identifier: GPL-3.0-or-later
"""The emotion timeline of a pipeline, as the strip shows it below the waveform."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ..core.arrays import Doubles, Floats
from ..core.parameters import EMOTION_NAMES, EMOTION_PREFIX, PARAMETERS
from ..core.strip import Axis
from ..properties.ids import index_of
from ..scene.emotion_curves import key_times, sample
from .playing import is_playing
from .voice_time import VoiceTime

STEP_PX = 4.0  # between two samples of a curve
STRONGEST = 3  # emotions that are drawn
WEAKEST = 0.02  # an emotion that never gets stronger is not drawn
TRUST_S = 0.2  # while the animation plays, the curves are not sampled again for so long


@dataclass(frozen=True)
class EmotionRow:
    """Times (K,) in seconds of the keys, and the strongest emotions: their places among
    EMOTION_NAMES and values (T,) over the axis, 0 to 1."""

    keys_s: Doubles
    curves: tuple[tuple[int, Floats], ...]


EMPTY = EmotionRow(np.empty(0), ())
_kept: dict[tuple[Any, ...], tuple[float, EmotionRow]] = {}


def emotion_row(scene: bpy.types.Scene, axis: Axis, where: VoiceTime) -> EmotionRow:
    """What the shown pipeline feels over a time axis."""
    chosen: Any = scene.facewright
    pipeline, now = chosen.pipeline, time.monotonic()
    if pipeline is None:
        return EMPTY
    key = (int(scene.session_uid), pipeline.id, axis, where.begin, where.rate)
    at, row = _kept.get(key, (0.0, EMPTY))
    if not is_playing() or key not in _kept or not 0 <= now - at < TRUST_S:
        _kept.clear()
        row = _sampled(scene, index_of(chosen.pipelines, pipeline.id), axis, where)
        _kept[key] = (now, row)
    return row


def _sampled(scene: bpy.types.Scene, place: int, axis: Axis, where: VoiceTime) -> EmotionRow:
    keys = where.seconds_of(key_times(scene, place))
    count = max(2, round(axis.width / STEP_PX))
    frames = where.frame_of(np.linspace(axis.first_s, axis.last_s, count))
    values = sample(scene, place, frames)
    highest = values.max(axis=0)
    order = np.argsort(-highest, kind="stable")[:STRONGEST]
    chosen = tuple((int(at), values[:, at]) for at in order if highest[at] > WEAKEST)
    return EmotionRow(keys, chosen)


def name_of(place: int) -> str:
    """What people call an emotion."""
    return PARAMETERS[EMOTION_PREFIX + EMOTION_NAMES[place]].label


def register() -> None:
    _kept.clear()


def unregister() -> None:
    _kept.clear()
