# SPDX-License-Identifier: GPL-3.0-or-later
"""Subtle motion of the head, from the voice alone: nods on loud syllables over a slow drift.

Neither the networks nor the published SDK move the head; this is a separate output that no weight
depends on. Angles are degrees [X pitch, Y yaw, Z roll], right-handed about the axes of a head that
faces +Z with Y up: positive pitch looks down, positive yaw looks to the character's left, positive
roll leans to the character's right. At strength 1 they stay within ``LIMITS``.

The voice's power (``core/voice/power``) becomes two curves at 50 values per second, each from what
was heard before, so that a live face gives the angles of the whole voice:

``nod``     how far the loudness of a syllable lies above the speaker's habit of the last seconds,
            in spreads, through three equal low-passes
``active``  1 while somebody speaks, 0 in silence, through three slower ones

A cubic B-spline over them gives the values of any frame, so position, velocity and acceleration
are continuous at every frame rate. The drift is a sum of sines of 0.1 to 0.4 Hz whose phases and
frequencies the seed chooses; it is shown as far as ``active`` says, so silence means rest.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from .. import limits
from ..arrays import Doubles, Floats
from ..parameters import Settings
from ..voice.power import HOP
from .random_numbers import uniforms

LIMITS = (4.0, 5.0, 3.0)  # degrees of pitch, yaw and roll at strength 1
NOD = 2.5  # degrees of the pitch's limit that a full stress takes
SLOWEST_HZ, FASTEST_HZ, SINES = 0.1, 0.4, 4  # of the drift, on each axis

HOP_S = HOP / limits.SAMPLE_RATE
SYLLABLE_S = 0.08  # over which the ear adds up loudness
HABIT_S = 3.0  # of speech that a speaker's habit is taken from
LEAST_SPREAD_DB = 3.0  # of a monotonous voice
STARTS, FULL = 0.3, 1.5  # spreads above the habit where a nod begins and is full
NOD_S, ACTIVE_S = 0.04, 0.25  # time constant of each low-pass
HOLD_S = 0.4  # a shorter pause is not silence
FLOOR_DB, QUIET_DB = -50.0, 25.0  # silence, below full scale, and below the loudest so far
FADE_DB_S = 0.1  # by which the loudest is forgotten
_AFTER = 80  # hops beyond the end, more than a prediction delay of -1 s makes a frame look
_REACH = 4  # hops that a frame's value is made from, all of them before the frame

# The part of the wanted step that a low-pass goes per hop
_SYLLABLE, _NOD, _ACTIVE = (1.0 - math.exp(-HOP_S / s) for s in (SYLLABLE_S, NOD_S, ACTIVE_S))


def turns_head(settings: Settings) -> bool:
    """Whether there is any head motion; without, nothing of this module is done."""
    return settings.head_motion and settings.head_motion_strength > 0


def head_curves(power: Floats) -> Doubles:
    """What a whole voice's power (K,) makes of the head, (K + more, 2) [nod, active] per hop.

    No parameter plays a part; silence follows for as long as a frame may look beyond the end.
    """
    return _Listener().hear(np.concatenate([power, np.zeros(_AFTER, np.float32)]))


class HeadMotion:
    """Power of a voice in (``push``), angles of frames out (``frames``), both in order."""

    def __init__(self, fps: Fraction, settings: Settings) -> None:
        self._fps = fps
        self._strength = settings.head_motion_strength
        self._delay = round(settings.prediction_delay * limits.SAMPLE_RATE)
        self._drift = _Drift(settings.head_motion_seed)
        self._listener = _Listener()
        self._curves = np.zeros((_REACH, 2))  # [nod, active] of the hops from _first on
        self._first = -_REACH

    @classmethod
    def of_voice(cls, curves: Doubles, fps: Fraction, settings: Settings) -> HeadMotion:
        """That of a whole voice, from its ``head_curves``: nothing more is to be pushed."""
        motion = cls(fps, settings)
        motion._curves = np.concatenate([motion._curves, curves])
        return motion

    def change(self, settings: Settings) -> None:
        """Take strength and seed from other settings from the next frame on."""
        self._strength = settings.head_motion_strength
        self._drift = _Drift(settings.head_motion_seed)

    def push(self, power: Floats) -> None:
        """Take mean squares (K,) of the next hops."""
        if len(power):
            self._curves = np.concatenate([self._curves, self._listener.hear(power)])

    def frames(self, first: int, count: int) -> Floats:
        """Angles (count, 3) float32 [pitch, yaw, roll] of the frames from ``first`` on.

        Later calls ask for later frames. What was not pushed by the end of a frame is silence.
        """
        numbers = np.arange(first, first + count, dtype=np.int64)
        # Exact: hop and the share of it, at a time that the prediction delay has moved
        unit = HOP * self._fps.numerator
        place = numbers * (limits.SAMPLE_RATE * self._fps.denominator)
        hops, rest = np.divmod(place - self._delay * self._fps.numerator, unit)
        hops = np.maximum(hops, 0)
        if count:
            self.push(np.zeros(max(int(hops[-1]) - self._first - len(self._curves), 0), np.float32))
        nod, active = self._between(hops - _REACH - self._first, rest / unit).T
        drift = self._drift.at(place / (limits.SAMPLE_RATE * self._fps.numerator))
        angles = drift * active[:, None] * (np.array(LIMITS) - (NOD, 0.0, 0.0))
        angles[:, 0] += NOD * nod
        if count:
            drop = int(hops[-1]) - _REACH - self._first
            self._curves, self._first = self._curves[drop:], self._first + drop
        return np.asarray(angles * self._strength, np.float32)

    def _between(self, rows: np.ndarray, x: Doubles) -> Doubles:
        """The B-spline over four rows each, (n, 2): at 0 <= ``x`` < 1 of the hop after them."""
        weights = (
            (1 - x) ** 3,
            3 * x**3 - 6 * x**2 + 4,
            -3 * x**3 + 3 * x**2 + 3 * x + 1,
            x**3,
        )
        parts = (self._curves[rows + k] * w[:, None] / 6 for k, w in enumerate(weights))
        return np.asarray(sum(parts, np.zeros((len(x), 2))))


class _Listener:
    """From power to [nod, active], hop by hop."""

    def __init__(self) -> None:
        self._power = 0.0
        self._loudest = -math.inf
        self._mean = self._variance = 0.0
        self._spoken = 0
        self._pause = math.inf  # seconds since somebody spoke
        self._nod = [0.0] * 3
        self._active = [0.0] * 3

    def hear(self, power: Floats) -> Doubles:
        """Rows (K, 2) float64 in 0..1 for mean squares (K,)."""
        rows: list[tuple[float, float]] = []
        for value in power.tolist():
            stress = self._stress(value)
            active = 1.0 if self._pause < HOLD_S else 0.0
            rows.append(
                (_low_pass(self._nod, stress, _NOD), _low_pass(self._active, active, _ACTIVE))
            )
        return np.array(rows).reshape(-1, 2)

    def _stress(self, value: float) -> float:
        """How much is stressed now, 0..1."""
        self._power += (value - self._power) * _SYLLABLE
        level = 10.0 * math.log10(self._power + 1e-12)
        self._loudest = max(level, self._loudest - FADE_DB_S * HOP_S)
        self._pause += HOP_S
        if level < max(FLOOR_DB, self._loudest - QUIET_DB):
            return 0.0
        self._pause = 0.0
        self._spoken += 1
        above = level - self._mean if self._spoken > 1 else 0.0
        spread = max(math.sqrt(self._variance), LEAST_SPREAD_DB)
        # The plain mean at first, one of the last seconds later
        share = max(1.0 / self._spoken, HOP_S / HABIT_S)
        self._mean = level if self._spoken == 1 else self._mean + share * above
        self._variance += share * (above * above - self._variance)
        t = min(max((above / spread - STARTS) / (FULL - STARTS), 0.0), 1.0)
        return t * t * (3.0 - 2.0 * t)


def _low_pass(state: list[float], value: float, share: float) -> float:
    """Three low-passes in a row; the last one's value."""
    for k in range(len(state)):
        state[k] += (value - state[k]) * share
        value = state[k]
    return value


class _Drift:
    """Band-limited noise on three axes, each within -1..1; the same for ever for one seed."""

    def __init__(self, seed: int) -> None:
        numbers = uniforms(seed)
        width = (FASTEST_HZ - SLOWEST_HZ) / SINES
        even = np.array([next(numbers) for _ in range(6 * SINES)]).reshape(2, 3, SINES)
        # One sine in each part of the band, so that no seed gives a mere swing
        self._hz = SLOWEST_HZ + width * (np.arange(SINES) + even[0])
        self._phase = even[1]

    def at(self, times_s: Doubles) -> Doubles:
        """Values (n, 3) at times (n,) in seconds."""
        turns = times_s[:, None, None] * self._hz + self._phase
        return np.asarray(np.sin(2 * np.pi * turns).mean(axis=2))
