# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns of eye darts: small fast turns of both eyes with rests in between.

Pattern 0 is the table of the model's folder. The others are made here, once and for ever the same:
5000 rows of [X pitch, Y yaw] in degrees at 30 per second, held between rows, as the published
tables are. What they keep to is known of people: a rest (fixation) takes 0.2 s when reading to a
few seconds when staring, is seldom shorter than 0.1 s and its times are skewed to the long side;
darts are mostly sideways, mostly under 10 degrees when listening to someone, and over within about
21 ms plus 2.2 ms per degree, so one row is enough for all but the largest, which take two; during
a rest the eyes are never quite still but make tiny darts of some minutes of arc; the farther off
the eyes are, the more likely they return.

| pattern | rests per second | spread of yaw, pitch (degrees) | character |
|---|---|---|---|
| 1 Calm | 0.5 | 1.3, 0.7 | looks at the other and is at ease |
| 2 Attentive | 1.2 | 1.9, 1.4 | goes between the other's eyes and mouth |
| 3 Lively | 1.8 | 4.0, 2.0 | looks about while speaking |
| 4 Nervous | 3.2 | 3.2, 2.0 | restless, hardly stays anywhere |
| 5 Thinking | 0.6 | 6.0, 4.0 | looks aside and up for a while, then back |
| 6 Reading | 3.7 | 4.3, 0.6 | along lines from left to right, with short rests |
| 7 Still | 0.8 | 0.2, 0.1 | stares; only the tiny darts are left |
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..arrays import Doubles, Floats
from ..models.model import ModelData
from ..parameters import Settings
from .random_numbers import uniforms

RATE = 30  # rows per second
ROWS = 5_000
_STEP = 0.01  # degrees to which rows are rounded, so that no library's last digit shows
_LARGE = 6.0  # degrees from which on a dart takes two rows

Gaze = tuple[float, float]  # pitch, yaw in degrees
Next = Callable[[Gaze, "_Dice"], Gaze]


@dataclass(frozen=True)
class SaccadePattern:
    """``label`` for a list, ``text`` a tooltip; ``rest_s`` mean length of a rest in seconds.

    ``shortest_s`` of a rest; ``tiny`` degrees of the tiny darts during one; ``following`` says
    where the eyes go from where they are.
    """

    label: str
    text: str
    rest_s: float
    shortest_s: float
    tiny: float
    following: Next


class _Dice:
    """Chance, with the shapes that are needed here."""

    def __init__(self, seed: int) -> None:
        self._numbers: Iterator[float] = uniforms(seed)

    def even(self) -> float:
        return next(self._numbers)

    def normal(self) -> float:
        radius = math.sqrt(-2.0 * math.log(self.even()))
        return radius * math.cos(2.0 * math.pi * self.even())

    def rest(self, mean: float, shortest: float) -> float:
        """Skewed to the long side: a gamma distribution of shape 2 above the shortest."""
        spare = max(mean - shortest, 0.0)
        return shortest - spare * (math.log(self.even()) + math.log(self.even())) / 2.0


def _about(pitch: float, yaw: float, back: float) -> Next:
    """Anywhere near the centre, ``pitch`` and ``yaw`` wide; home with chance ``back`` when off."""

    def following(_: Gaze, dice: _Dice) -> Gaze:
        if dice.even() < back:
            return 0.15 * pitch * dice.normal(), 0.15 * yaw * dice.normal()
        return pitch * dice.normal(), yaw * dice.normal()

    return following


def _among(places: tuple[Gaze, ...], spread: float) -> Next:
    """From one of a few places to another of them."""

    def following(now: Gaze, dice: _Dice) -> Gaze:
        here = min(range(len(places)), key=lambda k: math.dist(places[k], now))
        there = (here + 1 + int(dice.even() * (len(places) - 1))) % len(places)
        pitch, yaw = places[there]
        return pitch + spread * dice.normal(), yaw + spread * dice.normal()

    return following


def _aside(now: Gaze, dice: _Dice) -> Gaze:
    """Up and to a side while thinking, small changes there, and back to the other."""
    away = math.hypot(*now) > 4.0
    chance = dice.even()
    if away and chance < 0.45:
        return now[0] + 1.2 * dice.normal(), now[1] + 1.5 * dice.normal()
    if away or chance < 0.35:
        return 0.5 * dice.normal(), 0.8 * dice.normal()
    side = 1.0 if dice.even() < 0.6 else -1.0
    return -7.0 + 2.5 * dice.normal(), side * (8.5 + 2.0 * dice.normal())


def _along_lines(now: Gaze, dice: _Dice) -> Gaze:
    """Steps to the character's right, a sweep back at a line's end, a page of lines downward."""
    pitch, yaw = now
    if dice.even() < 0.12:  # a look back at a word before
        return pitch + 0.05 * dice.normal(), min(yaw + 1.5 + 0.5 * dice.even(), 7.5)
    if yaw - 2.2 > -7.5:
        return pitch + 0.05 * dice.normal(), yaw - 2.2 - 0.5 * dice.normal()
    lower = pitch + 0.25
    return (-0.9 if lower > 1.0 else lower), 7.0 + 0.5 * dice.normal()


PATTERNS: tuple[SaccadePattern | None, ...] = (
    None,  # the model's own
    SaccadePattern("Calm", "Seldom and small: at ease", 1.7, 0.4, 0.08, _about(0.8, 1.5, 0.3)),
    SaccadePattern(
        "Attentive", "Between the eyes and the mouth of the other", 0.85, 0.25, 0.06,
        _among(((-0.6, -2.3), (-0.6, 2.3), (2.2, 0.0)), 0.35),
    ),
    SaccadePattern("Lively", "Often and wide: looks about", 0.55, 0.15, 0.06,
                   _about(2.3, 4.6, 0.3)),
    SaccadePattern("Nervous", "Very often: hardly stays anywhere", 0.31, 0.1, 0.1,
                   _about(2.3, 3.6, 0.2)),
    SaccadePattern("Thinking", "Aside and up for a while, then back", 1.6, 0.4, 0.08, _aside),
    SaccadePattern("Reading", "Along lines from left to right", 0.27, 0.13, 0.03, _along_lines),
    SaccadePattern("Still", "Stares; only tiny darts are left", 1.2, 0.3, 0.05,
                   _about(0.12, 0.2, 0.2)),
)  # fmt: skip
LABELS: tuple[str, ...] = tuple("Model's Own" if p is None else p.label for p in PATTERNS)


def saccade_table(data: ModelData, settings: Settings) -> Floats:
    """Rows (N, 2) float32 degrees [X pitch, Y yaw] at 30 per second of the pattern chosen."""
    if settings.saccade_pattern == 0:
        return data.saccades
    return made_table(settings.saccade_pattern)


@lru_cache(maxsize=len(PATTERNS))
def made_table(number: int) -> Floats:
    """The table (5000, 2) float32 of a pattern from 1 on. Nobody writes into it."""
    pattern = PATTERNS[number]
    if pattern is None:
        raise ValueError("pattern 0 is the model's own")
    dice = _Dice(1_000 + number)
    table = np.zeros((ROWS, 2))
    gaze: Gaze = (0.0, 0.0)
    row = 0
    while row < ROWS:
        before, gaze = gaze, pattern.following(gaze, dice)
        length = max(round(dice.rest(pattern.rest_s, pattern.shortest_s) * RATE), 1)
        table[row : row + length] = gaze
        if length > 1 and math.dist(before, gaze) > _LARGE:
            table[row] = (0.4 * before[0] + 0.6 * gaze[0], 0.4 * before[1] + 0.6 * gaze[1])
        _add_tiny(table[row + 2 : row + length], pattern.tiny, dice)
        row += length
    rows: Floats = (np.round(table / _STEP) * _STEP).astype(np.float32)
    rows.flags.writeable = False
    return rows


def _add_tiny(rest: Doubles, size: float, dice: _Dice) -> None:
    """Tiny darts, about one in half a second, each to a new place near where the eyes rest."""
    row = int(dice.rest(0.5, 0.2) * RATE)
    while row < len(rest):
        rest[row:] += (0.5 * size * dice.normal(), size * dice.normal())
        row += max(int(dice.rest(0.5, 0.2) * RATE), 1)
