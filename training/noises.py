# SPDX-License-Identifier: GPL-3.0-or-later
"""Sounds that are not speech, made from random numbers: noise, hum, music, breath, rooms."""

from __future__ import annotations

import numpy as np

Rng = np.random.Generator


def white(count: int, _rate: int, rng: Rng) -> np.ndarray:
    """White noise (count,), float32, of about unit level as all noises here."""
    return rng.standard_normal(count, np.float32)


def coloured(count: int, rate: int, rng: Rng) -> np.ndarray:
    """Noise that falls towards high notes, as rooms, fans and streets do."""
    from scipy.signal import lfilter

    noise = lfilter([1.0], [1.0, -rng.uniform(0.7, 0.98)], white(count, rate, rng))
    return _unit(noise)


def hum(count: int, rate: int, rng: Rng) -> np.ndarray:
    """The hum of mains and motors, over a little noise."""
    times = np.arange(count, dtype=np.float32) / rate
    pitch = rng.choice([50.0, 60.0, 100.0, 120.0]) * rng.uniform(0.98, 1.02)
    waves = sum(
        rng.uniform(0.2, 1.0) / k * np.sin(2 * np.pi * (pitch * k * times + rng.random()))
        for k in range(1, int(rng.integers(3, 12)))
    )
    return _unit(np.asarray(waves) + rng.uniform(0.05, 0.4) * white(count, rate, rng))


def music(count: int, rate: int, rng: Rng) -> np.ndarray:
    """Chords that fade, a tune above them, and sometimes drums."""
    sound = np.zeros(count, np.float32)
    beat = int(rate * rng.uniform(0.2, 0.6))
    key = rng.uniform(100.0, 260.0)
    scale = key * 2 ** (np.array([0, 2, 4, 5, 7, 9, 11]) / 12)
    for at in range(-int(rng.integers(beat)), count, beat):
        lasts = int(beat * rng.uniform(0.8, 3.0))
        first, last = max(at, 0), min(at + lasts, count)
        if last <= first:
            continue
        times = np.arange(first - at, last - at, dtype=np.float32) / rate
        fading = np.exp(-times * rng.uniform(1.0, 8.0))
        wave = _wave(int(rng.integers(1, 6)))
        for pitch in [*rng.choice(scale, 3), rng.choice(scale) * rng.choice([2.0, 4.0])]:
            places = (times * (pitch * len(wave))).astype(np.int32) % len(wave)
            sound[first:last] += fading * wave[places]
        if rng.random() < 0.4:
            hit = white(len(times), rate, rng) * np.exp(-times * rng.uniform(20.0, 80.0))
            sound[first:last] += 2.0 * hit
    return _unit(sound)


def _wave(overtones: int, count: int = 1024) -> np.ndarray:
    """One period of a note with so many overtones, each softer than the one before."""
    phase = 2 * np.pi / count * np.arange(count)
    return np.asarray(sum(np.sin(k * phase) / k for k in range(1, overtones + 2)), np.float32)


def breath(count: int, rate: int, rng: Rng) -> np.ndarray:
    """Air drawn in: noise of a band that swells and ends."""
    from scipy.signal import butter, lfilter

    edges = np.array([rng.uniform(300, 900), rng.uniform(2500, 6000)]) / (rate / 2)
    noise = lfilter(*butter(1, edges, "bandpass"), white(count, rate, rng))
    shape = np.interp(np.arange(count), [0, rng.uniform(0.3, 0.8) * count, count], [0.0, 1.0, 0.0])
    return _unit(noise) * shape.astype(np.float32) ** 1.5


def room_response(rate: int, rng: Rng, tail_s: tuple[float, float], direct_db: float) -> np.ndarray:
    """What a room makes of a click: the click itself at sample 0, early echoes, a fading tail.

    ``tail_s`` are bounds of the time in which the tail falls by 60 dB; ``direct_db`` is the
    click's level over all that follows it.
    """
    from scipy.signal import lfilter

    lasts = rng.uniform(*tail_s)
    count = int(min(lasts, 0.4) * rate)
    times = np.arange(count, dtype=np.float32) / rate
    begins = rng.uniform(0.008, 0.03)
    tail = lfilter([1.0], [1.0, -rng.uniform(0.2, 0.7)], white(count, rate, rng))
    tail = tail * 10 ** (-3.0 * times / lasts) * (times > begins)
    echoes = np.zeros(count)
    places = rng.uniform(0.001, 0.05, int(rng.integers(4, 14)))
    places = places[places < times[-1]]
    echoes[(places * rate).astype(int)] = (
        rng.choice([-1.0, 1.0], len(places)) * 0.02 / (0.02 + places)
    )
    behind = _powered(tail) * rng.uniform(0.3, 1.0) + _powered(echoes)
    behind[0] = 0.0
    response = _powered(behind) * 10 ** (-direct_db / 20)
    response[0] = 1.0
    return response.astype(np.float32)


def _unit(sound: np.ndarray) -> np.ndarray:
    return (sound / (sound.std() + 1e-9)).astype(np.float32)


def _powered(response: np.ndarray) -> np.ndarray:
    """With a sum of squares of one."""
    return response / (np.sqrt((response * response).sum()) + 1e-9)
