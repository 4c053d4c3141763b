# SPDX-License-Identifier: GPL-3.0-or-later
"""Emotion keys as JSON: a list of {"time": seconds, "emotions": {name: 0 to 1}}.

Emotions that a key leaves out are 0 in it; an empty table is neutral. Between keys the strengths
run straight; before the first and after the last key they stay.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np

from .. import limits
from ..emotion.track import EmotionTrack
from ..errors import UserError
from ..parameters import EMOTION_NAMES
from ..safe_files import Json, parse_json, read_limited


def read_emotion_keys(path: str | os.PathLike[str]) -> EmotionTrack:
    """Read a file of keys; the columns are ``EMOTION_NAMES``. Raises UserError naming the key."""
    source = Path(path)
    return parse_emotion_keys(
        parse_json(read_limited(source, limits.MAX_JSON_BYTES), str(source)), str(source)
    )


def parse_emotion_keys(values: Json, where: str) -> EmotionTrack:
    """Keys of parsed JSON; ``where`` they stand is for the sentences. Raises UserError."""
    if not isinstance(values, list) or not values:
        raise UserError(f"{where} has to hold a list of emotion keys, at least one.")
    rows = [_row(key, f"{where}: key {place}") for place, key in enumerate(values, 1)]
    times = [time for time, _strengths in rows]
    for place, (before, after) in enumerate(pairwise(times), 2):
        if after <= before:
            raise UserError(f"{where}: key {place} is not later than the key before it.")
    strengths = np.array([row for _time, row in rows], np.float32)
    return EmotionTrack(np.array(times, np.float64), strengths)


def key_rows(track: EmotionTrack) -> list[Json]:
    """Keys (K, 10) in the order of ``EMOTION_NAMES`` as ``parse_emotion_keys`` reads them."""
    return [
        {
            "time": time,
            "emotions": {
                name: float(str(np.float32(value)))  # as few digits as give the same strength
                for name, value in zip(EMOTION_NAMES, row, strict=True)
                if value
            },
        }
        for time, row in zip(track.times_s.tolist(), track.values, strict=True)
    ]


def _row(key: Json, where: str) -> tuple[float, list[float]]:
    if not isinstance(key, Mapping) or set(key) != {"time", "emotions"}:
        raise UserError(f'{where} has to be a table of "time" and "emotions".')
    time = _number(key["time"], f"{where}: time", 0.0, limits.MAX_DURATION_S)
    emotions = key["emotions"]
    if not isinstance(emotions, Mapping):
        raise UserError(f"{where}: emotions has to be a table of names and strengths.")
    for name in emotions:
        if name not in EMOTION_NAMES:
            known = ", ".join(EMOTION_NAMES)
            raise UserError(f"{where}: there is no emotion called {name!r}.", f"There are {known}.")
    row = [_number(emotions.get(name, 0.0), f"{where}: {name}", 0, 1) for name in EMOTION_NAMES]
    return time, row


def _number(value: Json, where: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise UserError(f"{where} has to be a number.")
    if not low <= value <= high:
        raise UserError(f"{where} is {value:g}; it has to be between {low:g} and {high:g}.")
    return float(value)
