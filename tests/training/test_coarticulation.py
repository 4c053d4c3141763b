# SPDX-License-Identifier: GPL-3.0-or-later
"""Targets: lips that must meet do meet, silence is still, neighbours pull at each other."""

from __future__ import annotations

import numpy as np
import pytest
from facewright.training.coarticulation import (
    CLOSE,
    CURVES,
    DENTAL,
    JAW,
    ROUND,
    curve_frames,
    viseme_frames,
)
from facewright.training.phones import VISEMES, Segment, sounds

TIMES = np.arange(60) * 0.02


def spoken(*phones: tuple[str, float, float]):
    return sounds([Segment(*phone) for phone in phones])


@pytest.mark.parametrize("phone", ["m", "b", "p"])
@pytest.mark.parametrize("length", [0.008, 0.03, 0.08])
def test_a_bilabial_closes_however_short_it_is(phone: str, length: float):
    heard = spoken(("a", 0.1, 0.511), (phone, 0.511, 0.511 + length), ("a", 0.511 + length, 0.9))
    curves = curve_frames(heard, TIMES)
    inside = curves[:, CLOSE] > 0.95
    assert inside.any()
    assert np.abs(TIMES[inside] - (0.511 + length / 2)).max() < 0.5 * length + 0.011
    assert curves[inside, JAW].max() <= 0.12 + 1e-6
    assert (viseme_frames(heard, TIMES) == VISEMES.index("PP")).any()


def test_open_vowels_stay_open_beside_a_closure():
    curves = curve_frames(spoken(("a", 0.1, 0.5), ("p", 0.5, 0.6), ("a", 0.6, 0.9)), TIMES)
    middle = np.argmin(np.abs(TIMES - 0.3))
    assert curves[middle, JAW] > 0.7
    assert curves[middle, CLOSE] < 0.05


def test_lip_against_teeth_reaches_its_target():
    curves = curve_frames(spoken(("a", 0.1, 0.5), ("f", 0.5, 0.6), ("a", 0.6, 0.9)), TIMES)
    assert curves[:, DENTAL].max() > 0.95


def test_rounding_begins_before_the_rounded_vowel():
    heard = spoken(("a", 0.1, 0.3), ("s", 0.3, 0.5), ("u", 0.5, 0.8))
    curve = curve_frames(heard, TIMES)[:, ROUND]
    assert curve[np.argmin(np.abs(TIMES - 0.46))] > 0.3
    assert curve[np.argmin(np.abs(TIMES - 0.15))] < 0.1


def test_silence_is_rest():
    for heard in ([], spoken(("sil", 0.0, 1.2))):
        curves = curve_frames(heard, TIMES)
        assert curves.shape == (60, len(CURVES))
        assert curves.max() == pytest.approx(0.0, abs=1e-6)
        assert not viseme_frames(heard, TIMES).any()


def test_curves_are_continuous_enough_to_be_followed():
    heard = spoken(("sil", 0.0, 0.1), ("a", 0.1, 0.3), ("t", 0.3, 0.36), ("i", 0.36, 0.6))
    fine = curve_frames(heard, np.arange(600) * 0.002)
    assert np.abs(np.diff(fine, axis=0)).max() < 0.12
