# SPDX-License-Identifier: GPL-3.0-or-later
"""How much a voice stresses what it says: its pitch and loudness above its own habit.

Brows and lids answer to it. It is measured on clean speech with the whole utterance as
context, and the network learns to hear it from its window, also in noise.
"""

from __future__ import annotations

import numpy as np

HOP_S = 0.02  # between two values
WINDOW_S = 0.064
LOWEST_HZ, HIGHEST_HZ = 70.0, 400.0
VOICED = 0.45  # least correlation of a voiced stretch with itself one period later
QUIET_DB = 35.0  # below the loudest, nothing counts as voice
PITCH_SHARE = 0.6  # of a stress is heard in the pitch, the rest in the loudness
SMALLEST_PITCH, SMALLEST_DB = 1.5, 3.0  # spread, in semitones and dB, of a monotonous voice
STARTS, FULL = 0.5, 2.0  # spreads above the voice's middle where a stress begins and is full
SMOOTH_S = 0.28
LEAST_VOICE = 10  # values without which nothing can be said of a voice's habit


def accent_frames(samples: np.ndarray, rate: int) -> np.ndarray:
    """Stress (T,) float32 in 0..1, a value every 20 ms from the first sample on.

    ``samples`` (N,) of clean speech; their level does not matter.
    """
    frames = _frames(samples.astype(np.float64), rate)
    power = (frames**2).mean(axis=1)
    loudness = 10 * np.log10(power + 1e-12)
    pitch, regular = _pitch(frames, rate)
    voiced = (regular > VOICED) & (loudness > loudness.max(initial=-120.0) - QUIET_DB)
    if voiced.sum() < LEAST_VOICE:
        return np.zeros(len(frames), np.float32)
    raised = PITCH_SHARE * _above(12 * np.log2(pitch), voiced, SMALLEST_PITCH)
    raised += (1 - PITCH_SHARE) * _above(loudness, voiced, SMALLEST_DB)
    t = np.clip((raised - STARTS) / (FULL - STARTS), 0.0, 1.0)
    stress = t * t * (3.0 - 2.0 * t) * _near(voiced)
    return _smoothed(stress).clip(0.0, 1.0).astype(np.float32)


def _frames(samples: np.ndarray, rate: int) -> np.ndarray:
    """Stretches (T, W) about every value's time; what lies outside is silence."""
    width, hop = round(WINDOW_S * rate), round(HOP_S * rate)
    padded = np.pad(samples, (width // 2, width))
    count = max(1, len(samples) // hop)
    views = np.lib.stride_tricks.sliding_window_view(padded, width)
    return views[: count * hop : hop][:count]


def _pitch(frames: np.ndarray, rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Hertz (T,) and how regular the stretch is at that period (T,), from autocorrelation."""
    width = frames.shape[1]
    window = np.hanning(width)
    size = 1 << int(np.ceil(np.log2(2 * width)))

    def correlated(values: np.ndarray) -> np.ndarray:
        spectrum = np.fft.rfft(values, size)
        return np.fft.irfft(np.abs(spectrum) ** 2)[..., :width]

    told = correlated(frames * window) / correlated(window)
    told = told / (told[:, :1] + 1e-12)
    first, last = int(rate / HIGHEST_HZ), int(rate / LOWEST_HZ) + 1
    lags = np.arange(first, last)
    best = told[:, first:last].argmax(axis=1)
    return rate / lags[best], told[np.arange(len(frames)), lags[best]]


def _above(values: np.ndarray, voiced: np.ndarray, smallest: float) -> np.ndarray:
    """How far values lie over the voice's middle, in its own spreads; unvoiced ones between."""
    spoken = values[voiced]
    low, middle, high = np.percentile(spoken, (25, 50, 75))
    spread = max((high - low) / 1.35, smallest)
    places = np.arange(len(values))
    return np.interp(places, places[voiced], _steady((spoken - middle) / spread))


def _steady(values: np.ndarray) -> np.ndarray:
    """The middle of every five neighbours: single values are mistakes (an octave, a click)."""
    padded = np.pad(values, 2, mode="edge")
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, 5), axis=1)


def _near(voiced: np.ndarray) -> np.ndarray:
    """1 within 0.1 s of a voiced stretch, else 0."""
    reach = 2 * round(0.1 / HOP_S) + 1
    return np.minimum(np.convolve(voiced, np.ones(reach), "same"), 1.0)


def _smoothed(values: np.ndarray) -> np.ndarray:
    shape = np.hanning(round(SMOOTH_S / HOP_S) + 2)[1:-1]
    return np.convolve(values, shape / shape.sum(), "same")[: len(values)]
