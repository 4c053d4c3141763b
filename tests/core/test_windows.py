# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import references
from facewright.core import windows
from facewright.core.errors import UserError

FILM = Fraction(24000, 1001)
VIDEO = Fraction(60000, 1001)


@pytest.mark.parametrize(
    "fps", [Fraction(24), Fraction(25), Fraction(30), Fraction(60), FILM, VIDEO]
)
def test_frames_are_at_the_floor_of_their_sample_and_inside_the_voice(fps):
    count = 48_037
    plan = windows.plan_windows(count, fps, 8320, 4160)
    expected = [math.floor(i * 16000 / fps) for i in range(math.ceil(count * fps / 16000))]
    assert plan.targets.tolist() == expected
    assert plan.starts.tolist() == [t - 4160 for t in expected]
    assert plan.targets[-1] < count


def test_frame_counts_of_many_lengths():
    rng = np.random.default_rng(0)
    for count in rng.integers(1, 200_000, 2000):
        for fps in (Fraction(60), VIDEO):
            assert windows.count_frames(int(count), fps) == math.ceil(int(count) * fps / 16000)


def test_published_window_starts_at_30_fps():
    plan = windows.plan_windows(7360, Fraction(30), 8320, 4160)
    starts = [-4160 + k for k in (0, 533, 1066, 1600, 2133, 2666, 3200)]
    assert plan.starts[:7].tolist() == starts
    # Of an open stream of 7360 samples, windows that end inside it are these seven.
    assert int(np.count_nonzero(plan.starts + 8320 <= 7360)) == 7


def test_window_progress_of_an_open_and_a_closed_stream():
    progress = windows.WindowProgress(size=3, start=0, target=1, stride=Fraction(2))
    assert progress.open_count(10) == 4
    assert progress.closed_count(10) == 5
    assert [progress.start_of(i) for i in range(5)] == [0, 2, 4, 6, 8]
    assert [progress.target_of(i) for i in range(5)] == [1, 3, 5, 7, 9]
    assert [progress.end_of(i) for i in range(5)] == [3, 5, 7, 9, 11]


def test_window_progress_of_the_published_regression_windows():
    progress = windows.WindowProgress(8320, -4160, 4160, Fraction(16000, 30))
    assert progress.open_count(7360) == 7
    starts = [-4160 + k for k in (0, 533, 1066, 1600, 2133, 2666, 3200)]
    assert [progress.start_of(i) for i in range(7)] == starts


def test_window_progress_of_the_published_diffusion_windows():
    progress = windows.WindowProgress(16000, -16000, 4000, Fraction(8000))
    assert progress.open_count(16000) == 3
    assert [progress.start_of(i) for i in range(3)] == [-16000, -8000, 0]


def test_window_counts_are_those_of_counting_one_by_one():
    rng = np.random.default_rng(2)
    for _ in range(300):
        size, samples = (int(n) for n in rng.integers(1, 400, 2))
        start, target = int(rng.integers(-300, 300)), int(rng.integers(0, 400))
        stride = Fraction(int(rng.integers(1, 200)), int(rng.integers(1, 9)))
        progress = windows.WindowProgress(size, start, target, stride)
        enough = range(math.ceil((samples + 1000) / stride) + 2)
        ends = [math.floor(i * stride) + start + size for i in enough]
        targets = [math.floor(i * stride) + start + target for i in enough]
        assert progress.open_count(samples) == sum(end <= samples for end in ends)
        assert progress.closed_count(samples) == sum(at < samples for at in targets)


def test_frame_timestamps_of_regression_are_integer_floors():
    plan = windows.plan_windows(16000 * 17, Fraction(60), 8320, 4160)
    assert plan.targets[:1000].tolist() == [i * 16000 // 60 for i in range(1000)]


def test_frames_before_the_voice_are_at_floors_too():
    found = windows.frame_samples(90, Fraction(60), -45)
    assert found.tolist() == [math.floor(i * Fraction(800, 3)) for i in range(-45, 45)]


def test_a_segment_of_a_voice_that_begins_later_is_the_same():
    voice = np.arange(1, 101, dtype=np.float32)
    for low, high in ((-20, 30), (50, 70), (90, 130), (200, 210), (-30, -10)):
        whole = windows.segment(voice, low, high, 0.5)
        np.testing.assert_array_equal(whole, references.window(voice, low, high - low, 0.5))
        if low >= 40:
            later = windows.segment(voice[40:], low, high, 0.5, origin=40)
            np.testing.assert_array_equal(later, whole)


def test_an_hour_at_film_speed_does_not_drift():
    plan = windows.plan_windows(16000 * 3600, FILM, 8320, 4160)
    assert plan.frame_count == math.ceil(3600 * FILM)
    last = plan.frame_count - 1
    assert plan.targets[-1] == math.floor(last * 16000 / FILM)


def test_a_positive_delay_hears_earlier_sound_and_keeps_the_frames():
    plan = windows.plan_windows(32000, Fraction(30), 8320, 4160)
    late = windows.plan_windows(32000, Fraction(30), 8320, 4160, delay_s=0.15)
    assert (plan.starts - late.starts == 2400).all()
    assert (plan.targets == late.targets).all()


@pytest.mark.parametrize("delay_s", [0.0, 0.7, -0.7])
def test_gathered_windows_are_the_samples_with_silence_outside(delay_s):
    samples = np.random.default_rng(1).normal(size=900).astype(np.float32)
    plan = windows.plan_windows(900, Fraction(120), 700, 300, delay_s)
    found = windows.gather(samples, plan, 0, plan.frame_count, gain=1.5)
    assert found.dtype == np.float32
    assert found.flags.c_contiguous
    for row, start in zip(found, plan.starts, strict=True):
        expected = references.window(samples, int(start), 700, 1.5)
        np.testing.assert_allclose(row, expected, rtol=1e-6)


def test_blocks_of_windows_equal_the_whole():
    samples = np.random.default_rng(1).normal(size=9000).astype(np.float32)
    plan = windows.plan_windows(9000, FILM, 640, 320)
    whole = windows.gather(samples, plan, 0, plan.frame_count)
    parts = [windows.gather(samples, plan, k, min(k + 5, plan.frame_count)) for k in
             range(0, plan.frame_count, 5)]  # fmt: skip
    np.testing.assert_array_equal(whole, np.concatenate(parts))


@pytest.mark.parametrize("fps", [0, -24, float("nan"), float("inf"), 0.5, 1e9, Fraction(0)])
def test_an_impossible_frame_rate_is_one_sentence(fps):
    with pytest.raises(UserError, match="frame rate"):
        windows.exact_fps(fps)


def test_rates_of_scenes_are_exact_although_the_base_is_stored_as_float32():
    base = float(np.float32(1.001))
    assert windows.scene_fps(24, base) == FILM
    assert windows.scene_fps(60, base) == VIDEO
    assert windows.scene_fps(25, 1.0) == 25
    assert windows.scene_fps(30, 2.0) == 15
    with pytest.raises(UserError, match="base"):
        windows.scene_fps(30, 0.0)


def test_more_frames_than_a_take_may_have_are_refused():
    with pytest.raises(UserError, match="shorter range"):
        windows.plan_windows(16000 * 3600, Fraction(1000), 8320, 4160)
