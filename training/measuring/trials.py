# SPDX-License-Identifier: GPL-3.0-or-later
"""Sounds that are hard or hold no speech: noise over speech, silence, rooms, music."""

from __future__ import annotations

import numpy as np

from .faces import RATE
from .labelled import Labelled

NOISE_DB = 10.0  # speech over noise
QUIET_S = 6.0
MUSIC_PEAK = 0.5
BEAT_S = 0.5
CHORDS = ((220.0, 277.18, 329.63), (146.83, 220.0, 293.66), (164.81, 246.94, 329.63))
BASS, DRUM_HZ = 0.5, 60.0


def noisy(recording: Labelled) -> np.ndarray:
    """The recording with white noise 10 dB under its speech, the same noise every time."""
    samples = recording.samples.astype(np.float64)
    spoken = [
        samples[int(s.start * RATE) : int(s.end * RATE)]
        for s in recording.segments
        if s.phone != "sil"
    ]
    level = np.sqrt(np.mean(np.concatenate(spoken) ** 2))
    rng = np.random.default_rng(len(samples))
    noise = rng.standard_normal(len(samples)) * level * 10 ** (-NOISE_DB / 20)
    return np.asarray(samples + noise, dtype=np.float32)


def quiet_sounds() -> dict[str, np.ndarray]:
    """Sounds without speech by name, float32 (N,) at 16 kHz, 6 s each."""
    rng = np.random.default_rng(0)
    count = int(QUIET_S * RATE)
    times = np.arange(count) / RATE
    hum = sum(np.sin(2 * np.pi * 50 * n * times) / n for n in (1, 2, 3, 5))
    sounds = {
        "silence": np.zeros(count),
        "faint noise": 1e-3 * rng.standard_normal(count),
        "white noise": 3e-2 * rng.standard_normal(count),
        "room": 2e-2 * _coloured(rng, count) + 2e-3 * hum,
        "chords": _music(times, rng, drums=False),
        "chords and drums": _music(times, rng, drums=True),
    }
    return {name: np.asarray(sound, dtype=np.float32) for name, sound in sounds.items()}


def _coloured(rng: np.random.Generator, count: int) -> np.ndarray:
    """Noise whose power falls with the square of the frequency above 30 Hz, of spread 1."""
    spectrum = np.fft.rfft(rng.standard_normal(count))
    hertz = np.fft.rfftfreq(count, 1 / RATE)
    noise = np.fft.irfft(spectrum / np.maximum(hertz, 30.0), count)
    return np.asarray(noise / noise.std())


def _music(times: np.ndarray, rng: np.random.Generator, drums: bool) -> np.ndarray:
    """Plucked chords over a bass, a new chord every two seconds; perhaps a drum on every beat."""
    beat = times % BEAT_S
    sound = np.zeros(len(times))
    for number, chord in enumerate(CHORDS):
        during = (times // 2.0).astype(int) % len(CHORDS) == number
        for tone in (chord[0] * BASS, *chord):
            for partial in range(1, 7):
                fading = np.exp(-(1.5 + partial) * beat)
                wave = np.sin(2 * np.pi * tone * partial * times + rng.uniform(0, 2 * np.pi))
                sound += during * fading * wave / partial
    if drums:
        sound += 4.0 * np.exp(-25 * beat) * np.sin(2 * np.pi * DRUM_HZ * beat)
        sound += (
            1.5 * np.exp(-40 * ((beat + BEAT_S / 2) % BEAT_S)) * rng.standard_normal(len(times))
        )
    return sound * MUSIC_PEAK / np.abs(sound).max()
