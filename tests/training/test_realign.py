# SPDX-License-Identifier: GPL-3.0-or-later

"""The network's own alignment: it finds known boundaries, and never moves one too far."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

pytest.importorskip(
    "torch", reason="torch is only in the training environment (python tools/dev.py train)"
)

from facewright.training.phones import SILENCE, VISEMES, Segment, sounds
from facewright.training.realign import needs_realigning, realigned
from facewright.training.recipe import read_recipe
from facewright.training.recordings import Recording
from facewright.training.timing import Timed

LEAD = 0.01
PHONES = [SILENCE, "p", "a", "m", "i", "h", "u", "s", "I", "t", SILENCE]
LASTS = [0.21, 0.07, 0.13, 0.08, 0.1, 0.06, 0.12, 0.11, 0.2, 0.05, 0.3]


def spoken():
    ends = np.cumsum(LASTS)
    return [Segment(p, float(e - d), float(e)) for p, d, e in zip(PHONES, LASTS, ends, strict=True)]


def posteriors_of(segments, doubt=0.3, seed=0):
    """What a listener, unsure but never wrong, says of the segments: (T, 15) every 10 ms."""
    rng = np.random.default_rng(seed)
    times = 0.01 * np.arange(round(segments[-1].end * 100)) + LEAD
    told = doubt * rng.random((len(times), len(VISEMES))) / len(VISEMES)
    for sound in sounds(segments):
        told[(times >= sound.start) & (times < sound.end), sound.viseme] += 1 - doubt
    return told / told.sum(axis=1, keepdims=True)


def moved(segments, by):
    """The segments with every inner boundary moved by one of ``by``."""
    bounds = np.array([segments[0].start, *(s.end for s in segments)])
    bounds[1:-1] += by
    return [
        Segment(s.phone, float(a), float(b))
        for s, a, b in zip(segments, bounds[:-1], bounds[1:], strict=True)
    ]


def options(**changed):
    return {**read_recipe().section("timing", "realign"), **changed}


@pytest.mark.parametrize("by", [0.02, -0.03, 0.04])
def test_boundaries_that_are_late_or_early_are_put_right(by):
    truth = spoken()
    found = realigned(moved(truth, by), posteriors_of(truth), LEAD, options())
    assert [s.phone for s in found] == PHONES
    seen = [s.phone != "h" for s in truth]  # h looks like what follows: its end cannot be seen
    errors = np.array([a.end - b.end for a, b in zip(found, truth, strict=True)])
    assert np.abs(errors[seen]).max() < 0.011  # a step of the search


def test_scattered_boundaries_are_put_right():
    truth = spoken()
    scatter = np.random.default_rng(3).uniform(-0.03, 0.03, len(truth) - 1)
    found = realigned(moved(truth, scatter), posteriors_of(truth), LEAD, options())
    errors = np.array([a.end - b.end for a, b in zip(found, truth, strict=True)])
    assert np.abs(errors).max() < 0.016
    assert np.abs(np.median(errors)) < 0.006


def test_no_boundary_moves_further_than_it_may_and_the_ends_stay():
    truth = spoken()
    late = moved(truth, 0.09)  # out of reach
    found = realigned(late, posteriors_of(truth), LEAD, options(largest_move=0.03))
    moves = [a.start - b.start for a, b in zip(found, late, strict=True)]
    assert min(moves) >= -0.03 - 1e-6
    assert moves[0] == 0.0
    assert found[-1].end == pytest.approx(late[-1].end)
    assert all(b.start == pytest.approx(a.end) for a, b in itertools.pairwise(found))
    assert all(s.end > s.start for s in found)


def test_a_listener_that_knows_nothing_moves_nothing():
    truth = spoken()
    flat = np.full((150, len(VISEMES)), 1 / len(VISEMES))
    found = realigned(truth, flat, LEAD, options())
    for a, b in zip(found, truth, strict=True):
        assert a.start == pytest.approx(b.start, abs=0.021)


def test_phones_that_a_voice_left_out_stay_out():
    truth = spoken()
    gone = [*truth[:3], Segment("b", truth[3].start, truth[3].start), *truth[3:]]
    found = realigned(gone, posteriors_of(truth), LEAD, options())
    assert [s.phone for s in found] == PHONES


def test_english_that_is_aligned_stays():
    def told(language, aligned, family="kokoro"):
        recording = Recording(np.zeros(9, np.int16), spoken(), "v", language, family, "n")
        return Timed(recording, spoken(), aligned)

    languages = read_recipe().section("timing", "realign")["aligner_languages"]
    assert not needs_realigning(told("en", True), languages)
    assert needs_realigning(told("en", False), languages)
    assert needs_realigning(told("de", True), languages)
    assert not needs_realigning(told("de", True, "own"), languages)
