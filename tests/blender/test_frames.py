# SPDX-License-Identifier: GPL-3.0-or-later
"""One frame shown on a face is what a take of that frame would show."""

from __future__ import annotations

import bpy
import numpy as np
import pytest


@pytest.fixture
def head(scene):
    """The built-in head."""
    bpy.ops.facewright.add_head()
    return scene.facewright.characters[-1].skin


def state(head) -> dict[str, np.ndarray]:
    """All that a take moves, as Blender evaluates it."""
    graph = bpy.context.evaluated_depsgraph_get()
    found = {}
    for obj in (head, *head.children_recursive):
        found[obj.name] = np.array(obj.evaluated_get(graph).matrix_world)
        if obj.data.shape_keys:
            keys = obj.evaluated_get(graph).data.shape_keys or obj.data.shape_keys
            found[f"{obj.name} keys"] = np.array([key.value for key in keys.key_blocks])
    return found


@pytest.mark.parametrize("mode", ["XYZ", "QUATERNION"])
def test_a_shown_frame_is_that_of_the_take(code, head, make_track, write, scene, mode):
    for obj in head.children_recursive:
        obj.rotation_mode = mode
    frames, find = code("scene.frames"), code("scene.characters").find_character
    track = make_track(4, 30)
    for at in (1, 3):  # twice: the second must not start where the first has left it
        one = code("core.face.track").FaceTrack(
            track.names, track.weights[at : at + 1], track.jaw[at : at + 1],
            track.eyes[at : at + 1], track.fps, 1 / 30,
        )  # fmt: skip
        frames.show_frame(find(head, track.names), one)
    shown = state(head)
    write(head, track)
    scene.frame_set(4)
    taken = state(head)
    assert taken.keys() == shown.keys()
    for name, values in taken.items():
        np.testing.assert_allclose(shown[name], values, atol=1e-5, err_msg=name)


def test_the_take_comes_back_with_the_next_frame(code, head, make_track, write, scene):
    track = make_track(4, 30)
    write(head, track)
    scene.frame_set(2)
    before = state(head)
    other = make_track(1, 30, seed=7)
    code("scene.frames").show_frame(code("scene.characters").find_character(head), other)
    assert not np.allclose(state(head)[f"{head.name} keys"], before[f"{head.name} keys"])
    scene.frame_set(3)
    scene.frame_set(2)
    for name, values in state(head).items():
        np.testing.assert_allclose(values, before[name], atol=1e-6, err_msg=name)
