# SPDX-License-Identifier: GPL-3.0-or-later
"""Changed copies of the recordings: other levels, paces, rooms' colours, noises and lengths."""

from __future__ import annotations

import numpy as np
from scipy.signal import resample_poly

from ...core.emotion.detection import LONGEST
from ...core.limits import SAMPLE_RATE
from ...core.windows import segment
from .recipe import Recipe

PANEL = 22_400  # samples that the panel hears for a key: 1.4 s
_STEPS = 200  # of pace in an octave or so
_PADDED = 0.3  # share of copies with silence around, as at a voice's ends
_KNEES = np.array([50.0, 200.0, 600.0, 1500.0, 3500.0, 8000.0])  # Hz of the equaliser


def changed(samples: np.ndarray, recipe: Recipe, random: np.random.Generator) -> np.ndarray:
    """A changed copy (m,) float32 of a recording (n,)."""
    factor = 2.0 ** random.uniform(-recipe.pace, recipe.pace)
    wave = resample_poly(samples, _STEPS, round(_STEPS * factor))
    wave = _coloured(wave, recipe.colour_db, random)
    kind = random.random()
    if kind < recipe.short and len(wave) > PANEL:
        begin = random.integers(len(wave) - PANEL + 1)
        wave = wave[begin : begin + PANEL]
    elif kind > 1.0 - _PADDED:
        wave = centred(wave, LONGEST, int(random.integers(-SAMPLE_RATE, SAMPLE_RATE)) // 2)
    if random.random() < recipe.noisy:
        level = np.sqrt(np.mean(np.square(wave))) * 10 ** (-random.uniform(8, 35) / 20)
        wave = wave + level * noise(len(wave), random)
    return (wave * 10 ** (-random.uniform(0, 20) / 20)).astype(np.float32)


def centred(samples: np.ndarray, length: int, shift: int = 0) -> np.ndarray:
    """``length`` samples around the recording's middle, silence outside of it."""
    begin = len(samples) // 2 - length // 2 - shift
    return segment(samples, begin, begin + length)


def noise(count: int, random: np.random.Generator) -> np.ndarray:
    """Noise (count,) of power 1: white, pink or brown."""
    spectrum = np.fft.rfft(random.normal(size=count))
    slope = (0.0, 0.5, 1.0)[random.integers(3)]
    frequency = np.fft.rfftfreq(count, 1 / SAMPLE_RATE)
    wave = np.fft.irfft(spectrum / np.maximum(frequency, 40.0) ** slope, count)
    return wave / np.sqrt(np.mean(np.square(wave)))


def lone_noise(recipe: Recipe, random: np.random.Generator) -> np.ndarray:
    """A window (n,) float32 of noise and hum, in which nobody speaks."""
    count = PANEL
    wave = _coloured(noise(count, random), 2 * recipe.colour_db, random)
    if random.random() < 0.5:
        phase = 2 * np.pi * np.arange(count) / SAMPLE_RATE * random.choice((50.0, 60.0, 100.0))
        wave = (
            wave + random.uniform(0, 4) * np.sin(phase) + random.uniform(0, 2) * np.sin(2 * phase)
        )
    return (0.03 * wave * 10 ** (-random.uniform(0, 40) / 20)).astype(np.float32)


def _coloured(wave: np.ndarray, strength_db: float, random: np.random.Generator) -> np.ndarray:
    """Through an equaliser with a gentle random curve; now and then without its highest tones."""
    frequency = np.fft.rfftfreq(len(wave), 1 / SAMPLE_RATE)
    gains = random.normal(0, strength_db, len(_KNEES))
    curve = np.interp(np.log(frequency + 1.0), np.log(_KNEES), gains)
    if random.random() < 0.2:
        curve = curve - 50 * np.clip((frequency - random.uniform(3400, 7500)) / 300, 0, 1)
    return np.fft.irfft(np.fft.rfft(wave) * 10 ** (curve / 20), len(wave))
