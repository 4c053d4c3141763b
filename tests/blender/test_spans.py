# SPDX-License-Identifier: GPL-3.0-or-later
"""Which frames an export writes, and that the scene is where it was afterwards."""

from __future__ import annotations

from fractions import Fraction

import bpy
import numpy as np
import pytest

NTSC = Fraction(24_000, 1001)


def set_rate(fps, base=1.0):
    bpy.context.scene.render.fps, bpy.context.scene.render.fps_base = fps, base


@pytest.fixture
def spans(code):
    return code("scene.spans")


def test_the_scenes_own_rate_writes_every_frame(spans):
    set_rate(24)
    span = spans.span_of(bpy.context.scene, 10, 20)
    assert span.rate == 24
    np.testing.assert_array_equal(span.frames, np.arange(10, 21))


@pytest.mark.parametrize("rate", [Fraction(30), Fraction(60), NTSC, Fraction(12)])
def test_another_rate_covers_the_same_time(spans, rate):
    """The last moment lies within the range, and one more would not."""
    set_rate(24, 1.001)
    span = spans.span_of(bpy.context.scene, -5, 100, rate)
    seconds = (span.frames - span.first) / float(NTSC)
    np.testing.assert_allclose(seconds, np.arange(span.count) / float(rate), rtol=1e-12)
    assert span.frames[-1] <= 100 + 1e-6 < span.frames[-1] + float(span.step)


def test_a_range_that_ends_before_it_begins_is_refused(spans, code):
    with pytest.raises(code("core.errors").UserError, match="ends at frame 4"):
        spans.span_of(bpy.context.scene, 5, 4)


@pytest.mark.parametrize("steps", [0, 1, 3, 99])
def test_the_scene_is_put_back_wherever_the_visit_ends(spans, steps):
    set_rate(24)
    scene = bpy.context.scene
    scene.frame_set(7, subframe=0.25)
    visit = spans.visit(scene, spans.span_of(scene, 1, 10, Fraction(48)))
    seen = []
    for _ in range(steps):
        if next(visit, None) is None:
            break
        seen.append(scene.frame_current + scene.frame_subframe)
    visit.close()
    assert (scene.frame_current, scene.frame_subframe) == (7, 0.25)
    np.testing.assert_allclose(seen, 1 + np.arange(len(seen)) / 2, atol=1e-6)


def order_of(code, **common):
    for name, value in common.items():
        setattr(bpy.context.scene.facewright.exports, name, value)
    return code("operators.exports").order_of(bpy.context.scene, "Face.001")


def test_the_common_settings_say_where_and_what(code, tmp_path):
    folder = tmp_path / "顔 und Gesicht"
    folder.mkdir()
    set_rate(24)
    order = order_of(code, directory=str(folder), use_scene_fps=False, fps=59.94)
    assert order.path(".json") == folder / "Face.001.json"
    assert order.span.rate == Fraction(60_000, 1001)
    assert order.span.frames[0] == bpy.context.scene.frame_start
    own = order_of(code, file_name="line 1", use_scene_range=False, frame_start=3, frame_end=5)
    assert own.path(".usd").name == "line 1.usd"
    assert own.span.frames[0] == 3


@pytest.mark.parametrize(
    ("common", "said"),
    [
        ({"directory": "//"}, "not saved yet"),
        ({"directory": "/nowhere/at all"}, "does not exist"),
        ({"file_name": "../up"}, "cannot be the name"),
    ],
)
def test_what_cannot_be_written_to_is_said_first(code, tmp_path, common, said):
    with pytest.raises(code("core.errors").UserError, match=said):
        order_of(code, **{"directory": str(tmp_path), **common})
