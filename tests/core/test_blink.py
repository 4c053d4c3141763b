# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from facewright.core.models.loading import DEFAULT_BLINK
from facewright.core.parameters import Settings
from facewright.core.postprocess import blink, random_numbers

PROFILE = np.array(DEFAULT_BLINK, np.float32)
RATES = [Fraction(24), Fraction(24000, 1001), Fraction(30), Fraction(60), Fraction(60000, 1001)]


def track(seconds, fps, **settings):
    count = int(seconds * fps)
    return blink.blink_track(count, fps, PROFILE, Settings.from_mapping(settings))


def closings(values):
    """Number of times that the lids pass half shut on their way down."""
    return int(np.count_nonzero((values[1:] >= 0.5) & (values[:-1] < 0.5)))


@pytest.mark.parametrize("interval", [1.5, 3.0, 6.0])
def test_blinks_come_at_the_mean_interval_and_vary(interval):
    starts = np.array(blink.blink_times(3600.0, interval, 0.37, seed=0))
    waits = np.diff(starts)
    assert waits.mean() == pytest.approx(interval, rel=0.08)
    assert waits.std() > 0.2 * interval
    assert waits.min() >= 0.37 + blink.PAUSE_S


def test_no_blinks_at_interval_zero():
    assert not track(60, Fraction(30), blink_interval=0).any()


@pytest.mark.parametrize("fps", RATES)
def test_every_blink_is_whole_at_every_frame_rate(fps):
    for seed in range(20):
        values = track(9.5, fps, blink_seed=seed)
        count = closings(values)
        assert count >= 1
        assert values[0] == 0
        assert values[-1] == 0
        shut = np.flatnonzero(values > 0.9)
        # each blink closes (almost) fully: as many groups of shut frames as closings
        assert len(np.split(shut, np.flatnonzero(np.diff(shut) > 2) + 1)) == count
        assert values.max() <= 1


@pytest.mark.parametrize("seconds", [2.0, 4.1, 6.0])
def test_no_blink_is_cut_off_by_the_end(seconds):
    endings = [track(seconds, Fraction(30), blink_seed=seed)[-8:] for seed in range(300)]
    assert all(ending[-1] == 0 for ending in endings)
    # some end just before the end, so the test looks at what it means to
    assert sum(ending.any() for ending in endings) > 3


def test_the_profile_is_played_at_30_samples_per_second():
    times = blink.blink_times(20.0, 3.0, (len(PROFILE) + 1) / 30, seed=0)
    fine = blink.blink_track(20_000, Fraction(1000), PROFILE, Settings())
    for number, value in enumerate(PROFILE):
        at = round((times[0] + (number + 1) / 30) * 1000)
        assert fine[at] == pytest.approx(value, abs=0.02)


def test_same_seed_same_blinks_other_seed_others():
    one, same, other = (track(60, Fraction(30), blink_seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_known_blinks_stay_the_same_for_ever():
    """Takes must be repeatable across versions: these were written down once."""
    assert np.round(blink.blink_times(30.0, 3.0, 0.4, seed=0), 6).tolist() == KNOWN


@pytest.mark.parametrize("size", [1, 7, 40])
def test_a_voice_that_comes_in_piece_by_piece_blinks_like_the_whole(size):
    fps, settings = Fraction(30), Settings(blink_interval=1.1, blink_seed=5)
    whole = blink.blink_track(400, fps, PROFILE, settings)
    parts = [
        blink.blink_track(min(size, 400 - first), fps, PROFILE, settings, first, False)
        for first in range(0, 400, size)
    ]
    found = np.concatenate(parts)
    shut = len(PROFILE) + 2
    np.testing.assert_array_equal(found[: 400 - shut], whole[: 400 - shut])
    # what began goes on to its end although the voice is over by then
    begun = int(np.flatnonzero(whole > 0.9)[-1]) - 1
    rest = blink.blink_track(12, fps, PROFILE, settings, begun, True)
    long = blink.blink_track(begun + 60, fps, PROFILE, settings)
    np.testing.assert_array_equal(rest, long[begun : begun + 12])


def test_a_block_costs_the_same_however_long_the_voice_has_lasted(monkeypatch):
    """Hours into a live session, nothing of its beginning is gone through again."""
    drawn, looked, draw, search = [], [], random_numbers.uniforms, np.searchsorted

    def uniforms(seed):
        for number in draw(seed):
            drawn.append(number)
            yield number

    def searchsorted(*args):
        looked.append(args)
        return search(*args)

    monkeypatch.setattr(blink, "uniforms", uniforms)
    monkeypatch.setattr(np, "searchsorted", searchsorted)
    fps, settings, hour = Fraction(60), Settings(blink_interval=0.7, blink_seed=987), 60 * 3600
    one = blink.blink_track(2, fps, PROFILE, settings, 12 * hour, False)
    first, looks = len(drawn), len(looked)
    other = blink.blink_track(60, fps, PROFILE, settings, 12 * hour, False)
    assert len(drawn) - first < 20
    assert looks <= 2 and len(looked) - looks <= 4
    np.testing.assert_array_equal(one, other[:2])


def test_constant_offset_is_added_and_kept_in_range():
    values = track(20, Fraction(30), blink_offset=0.4)
    assert values.min() == pytest.approx(0.4)
    assert values.max() == 1


def test_a_clip_too_short_for_a_blink_has_none():
    assert not track(0.3, Fraction(60)).any()
    assert not track(0, Fraction(60)).any()


KNOWN = [1.980158, 5.866542, 13.654869, 19.933113, 24.125199, 26.063258, 27.209667, 29.508472]
