# SPDX-License-Identifier: GPL-3.0-or-later
"""Stress is where a voice is higher and louder than its habit, whatever its level and pitch."""

from __future__ import annotations

import numpy as np
import pytest
from facewright.training.accent import HOP_S, accent_frames

RATE = 16000


def voice(pitch, loudness, seed=0):
    """A buzzing voice: (T,) hertz and gain at every sample."""
    phase = np.cumsum(pitch) / RATE
    tones = sum(np.sin(2 * np.pi * k * phase) / k for k in range(1, 12))
    noise = np.random.default_rng(seed).normal(size=len(phase))
    return loudness * (tones + 0.01 * noise)


def spoken(base, stressed=(2.0, 2.4), seconds=4.0, up=1.5, louder=2.0):
    """Syllables of 0.25 s; those between two times are higher and louder."""
    times = np.arange(int(seconds * RATE)) / RATE
    inside = (times > stressed[0]) & (times < stressed[1])
    melody = base * 2 ** (0.6 * np.sin(2 * np.pi * 0.7 * times) / 12)
    syllables = np.clip(np.sin(2 * np.pi * 2 * times) ** 2, 0.05, 1.0)
    return voice(melody * np.where(inside, up, 1.0), syllables * np.where(inside, louder, 1.0))


@pytest.mark.parametrize("base", [90.0, 130.0, 220.0])
def test_the_stressed_syllable_stands_out(base):
    stress = accent_frames(spoken(base), RATE)
    times = HOP_S * np.arange(len(stress))
    assert len(stress) == 200
    assert stress.dtype == np.float32
    assert 1.9 < times[stress.argmax()] < 2.5
    assert stress.max() > 0.5
    assert stress[(times < 1.6) | (times > 2.8)].max() < 0.2


def test_a_monotonous_voice_stresses_nothing():
    assert accent_frames(spoken(120.0, up=1.0, louder=1.0), RATE).max() < 0.35


def test_the_level_does_not_matter():
    samples = spoken(140.0)
    loud, quiet = accent_frames(samples, RATE), accent_frames(0.01 * samples, RATE)
    np.testing.assert_allclose(loud, quiet, atol=0.02)


def test_it_changes_slowly_enough_for_brows():
    stress = accent_frames(spoken(120.0), RATE)
    assert np.abs(np.diff(stress)).max() < 0.15  # no jump within 20 ms


@pytest.mark.parametrize("samples", [np.zeros(RATE), np.zeros(3), np.zeros(0)])
def test_silence_has_none(samples):
    stress = accent_frames(samples, RATE)
    assert np.isfinite(stress).all() and not stress.any()


def test_noise_has_next_to_none():
    noise = np.random.default_rng(1).normal(size=2 * RATE)
    assert accent_frames(noise, RATE).max() < 0.1
