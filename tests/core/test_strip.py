# SPDX-License-Identifier: GPL-3.0-or-later
"""Geometry of the waveform strip."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from facewright.core.strip import (
    GRAB,
    LEAST_PEAK,
    Axis,
    Rect,
    band,
    clock,
    columns,
    curve,
    free_box,
    part_at,
    strip_in,
    ticks,
    zoomed,
)

REGION = Rect(100, 50, 1000, 600)
WHOLE = Rect(0, 0, 1000, 600)


def test_side_regions_take_width_and_flat_ones_height():
    toolbar, sidebar = Rect(100, 50, 60, 560), Rect(850, 50, 250, 560)
    header, asset_shelf = Rect(100, 600, 1000, 50), Rect(100, 50, 1000, 80)
    assert free_box(REGION, [toolbar, sidebar]) == Rect(60, 0, 690, 600)
    assert free_box(REGION, [header, asset_shelf]) == Rect(0, 80, 1000, 470)
    flipped = Rect(100, 50, 250, 560)
    assert free_box(REGION, [flipped]) == Rect(250, 0, 750, 600)


def test_what_is_hidden_or_beside_takes_nothing():
    hidden, beside, above = Rect(1099, 50, 1, 560), Rect(1100, 50, 300, 560), Rect(100, 650, 900, 9)
    assert free_box(REGION, [hidden, beside, above]) == WHOLE


@pytest.mark.parametrize("scale", [1.0, 1.5, 2.0])
def test_rows_fill_the_strip_from_top_to_bottom(scale):
    strip = strip_in(WHOLE, scale, (0.0, 4.0))
    rows = (strip.title, strip.wave, strip.emotion, strip.ruler)
    assert rows[0].top == pytest.approx(strip.box.top)
    assert rows[-1].y == pytest.approx(strip.box.y)
    for upper, lower in pairwise(rows):
        assert upper.y == pytest.approx(lower.top)
    assert all(strip.box.holds(row.x, row.y) and row.right < strip.box.right for row in rows)
    assert strip.axis.left == strip.wave.x
    assert strip.axis.width == strip.wave.width


def test_a_small_viewport_has_no_strip():
    assert strip_in(Rect(0, 0, 1000, 200), 1.0, (0.0, 4.0)) is None
    assert strip_in(Rect(0, 0, 200, 900), 1.0, (0.0, 4.0)) is None
    assert strip_in(Rect(0, 0, 1000, 400), 2.0, (0.0, 4.0)) is None


def test_seconds_and_pixels_are_each_others_inverse():
    axis = Axis(20.0, 300.0, 1.0, 4.0)
    for seconds in (-1.0, 1.0, 2.5, 4.0, 9.0):
        assert axis.seconds_at(axis.x_of(seconds)) == pytest.approx(seconds)
    assert (axis.x_of(1.0), axis.x_of(4.0)) == (20.0, 320.0)
    assert axis.clamped_x(9.0) == 320.0
    assert axis.shows(4.0)
    assert not axis.shows(4.01)


def test_the_ends_of_the_range_can_be_taken_in_the_waveform_only():
    strip = strip_in(WHOLE, 1.0, (0.0, 4.0))
    x, y = strip.axis.x_of(1.0), strip.wave.y + 5
    assert part_at(strip, x + GRAB, y, 1.0, 3.0) == "START"
    assert part_at(strip, x + GRAB + 1, y, 1.0, 3.0) == "BODY"
    assert part_at(strip, strip.axis.x_of(3.0) - 2, y, 1.0, 3.0) == "END"
    assert part_at(strip, x, strip.emotion.y + 5, 1.0, 3.0) == "BODY"
    assert part_at(strip, x, strip.ruler.y + 2, 1.0, 3.0) == "BODY"
    assert part_at(strip, x, strip.box.top + 1, 1.0, 3.0) == "NONE"
    assert part_at(strip, strip.box.x - 1, y, 1.0, 3.0) == "NONE"


def by_hand(envelope, count, first, last):
    """Lowest and highest of all rows that a column touches, in exact whole numbers."""
    rows = len(envelope)
    found = []
    for at in range(count):
        begin = first * rows + (last - first) * rows * at / count
        end = first * rows + (last - first) * rows * (at + 1) / count
        begin, end = int(begin + 1e-9), max(int(begin + 1e-9) + 1, int(end + 1e-9))
        if at == count - 1:
            end = max(end, int(np.ceil(last * rows - 1e-9)))
        found.append((envelope[begin:end, 0].min(), envelope[begin:end, 1].max()))
    return np.array(found)


@pytest.mark.parametrize("count", [1, 7, 64, 200, 1000])
@pytest.mark.parametrize(("first", "last"), [(0.0, 1.0), (0.25, 0.5), (0.5, 1.0)])
def test_columns_lose_no_peak(count, first, last):
    rng = np.random.default_rng(3)
    envelope = np.sort(rng.uniform(-1, 1, (128, 2)).astype(np.float32), axis=1)
    found = columns(envelope, count, first, last)
    assert found.shape == (count, 2)
    np.testing.assert_array_equal(found, by_hand(envelope, count, first, last))


def test_a_column_always_has_something():
    one = np.array([[-0.5, 0.25]], np.float32)
    np.testing.assert_array_equal(columns(one, 5, 0.3, 0.7), np.repeat(one, 5, axis=0))


def test_the_band_reaches_the_edges_at_its_peak_and_silence_is_one_pixel():
    box = Rect(10, 20, 30, 40)
    points = band(np.array([[-1, 1], [0, 0], [-0.5, 0.5]], np.float32), box, 1.0)
    np.testing.assert_allclose(points[:, 0], [15, 15, 25, 25, 35, 35])
    np.testing.assert_allclose(points[:, 1], [20, 60, 39.5, 40.5, 30, 50])
    quiet = band(np.array([[-0.01, 0.01]], np.float32), box, 0.01)
    assert quiet[1, 1] - 40 == pytest.approx(20 * 0.01 / LEAST_PEAK)


def test_a_curve_stays_in_its_box():
    points = curve(np.array([-1.0, 0.0, 0.5, 1.0, 2.0]), Rect(10, 20, 40, 10))
    np.testing.assert_allclose(points[:, 0], [10, 20, 30, 40, 50])
    np.testing.assert_allclose(points[:, 1], [20, 20, 25, 30, 30])


@pytest.mark.parametrize("length", [0.05, 0.9, 4.2, 61.0, 3600.0, 90_000.0])
def test_times_of_the_ruler_do_not_touch(length):
    axis = Axis(0.0, 700.0, 0.0, length)
    found = ticks(axis, 70.0)
    places = [axis.x_of(seconds) for seconds, _text in found]
    if length < 36_000:
        assert all(b - a >= 70.0 - 1e-6 for a, b in pairwise(places))
    assert found[0] == (0.0, found[0][1])
    assert len({text for _seconds, text in found}) == len(found)


def test_the_ruler_of_a_part_names_times_of_the_voice():
    assert ticks(Axis(0.0, 300.0, 60.2, 63.4), 70.0) == [(61, "1:01"), (62, "1:02"), (63, "1:03")]


@pytest.mark.parametrize(
    ("seconds", "digits", "text"),
    [
        (0.0, 2, "0:00.00"),
        (4.205, 1, "0:04.2"),
        (59.999, 2, "1:00.00"),
        (61.0, 0, "1:01"),
        (3725.5, 1, "62:05.5"),
        (-1.5, 2, "-0:01.50"),
        (-0.001, 2, "0:00.00"),
    ],
)
def test_clock(seconds, digits, text):
    assert clock(seconds, digits) == text


def test_zoom_keeps_the_time_below_the_pointer_and_the_voice_in_sight():
    first, last = zoomed((0.0, 10.0), 10.0, 4.0, 0.5)
    assert (first, last) == (2.0, 7.0)
    assert (4.0 - first) / (last - first) == pytest.approx(0.4)
    assert zoomed((2.0, 7.0), 10.0, 4.0, 4.0) == (0.0, 10.0)
    assert zoomed((8.0, 10.0), 10.0, 10.0, 2.0) == (6.0, 10.0)
    begin, end = zoomed((1.0, 1.2), 10.0, 1.1, 1e-9)
    assert end - begin == pytest.approx(0.1)
    assert zoomed((0.0, 0.05), 0.05, 0.0, 0.5) == (0.0, 0.05)
    assert zoomed((9.5, 11.5), 10.0, 10.0, 1.0) == (8.0, 10.0)
