# SPDX-License-Identifier: GPL-3.0-or-later
"""Lashes, brows, tongue and lower teeth go with a skin that a conversion moves; eyes do not."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from converting import conversion
from makers import curves_of

FRAMES = 5
HEAD = "Facewright Head"


@pytest.fixture
def heads(scene):
    """The template head, and a copy of its skin with some of the poses keyed."""
    scene.frame_start, scene.frame_end = 1, FRAMES
    bpy.ops.facewright.add_head()
    head = bpy.data.objects[HEAD]
    source = bpy.data.objects.new("Performance", head.data.copy())
    scene.collection.objects.link(source)
    for name, size in (("jawOpen", 0.8), ("eyeBlinkLeft", 1.0), ("browInnerUp", 0.7)):
        block = source.data.shape_keys.key_blocks[name]
        for frame, value in ((1, 0.0), (3, size), (FRAMES, 0.2 * size)):
            block.value = value
            block.keyframe_insert("value", frame=frame)
    made = conversion(source, head)
    made.regularisation = made.temporal = made.sparsity = made.symmetry = 0.0
    return made


def part(name: str):
    return bpy.data.objects[f"{HEAD} {name}"]


def key(obj, name: str) -> float:
    return obj.data.shape_keys.key_blocks[name].value


def test_a_bake_moves_the_whole_face(scene, code, heads):
    rest = part("Lower Denture").matrix_basis.copy()
    assert bpy.ops.facewright.bake_solve() == {"FINISHED"}
    skin = bpy.data.objects[HEAD]
    for frame in range(1, FRAMES + 1):
        scene.frame_set(frame)
        for name, pose in (("Lashes", "eyeBlinkLeft"), ("Brows", "browInnerUp")):
            assert key(part(name), pose) == pytest.approx(key(skin, pose), abs=1e-6)
    scene.frame_set(3)
    pivot, motions = code("scene.jaw_poses")._jaw()
    turn, shift = key(skin, "jawOpen") * motions["jawOpen"]
    wanted = code("core.retarget.rigid").motion(turn, shift, pivot)
    moved = part("Lower Denture").matrix_basis.to_euler().x - rest.to_euler().x
    assert abs(moved) == pytest.approx(np.arccos((np.trace(wanted) - 2) / 2), abs=0.02)
    assert not curves_of(part("Eye Left"))
    before = len(bpy.data.actions)
    assert bpy.ops.facewright.bake_solve() == {"FINISHED"}
    assert len(bpy.data.actions) == before


def test_a_live_solve_moves_them_and_gives_them_back(scene, code, heads):
    rest = [list(row) for row in part("Lower Denture").matrix_basis]
    assert bpy.ops.facewright.set_up_solve() == {"FINISHED"}
    scene.frame_set(3)
    code("operators.pump").pump()
    assert key(part("Lashes"), "eyeBlinkLeft") == pytest.approx(1.0, abs=0.02)
    assert np.abs(np.array(part("Lower Denture").matrix_basis) - rest).max() > 1e-3
    assert bpy.ops.facewright.set_up_solve() == {"FINISHED"}
    assert key(part("Lashes"), "eyeBlinkLeft") == 0.0
    np.testing.assert_allclose(np.array(part("Lower Denture").matrix_basis), rest, atol=1e-6)


def test_a_cancelled_bake_leaves_them(code, heads, scene_state, monkeypatch):
    before = scene_state()
    steps = code("operators.conversion_steps")
    monkeypatch.setattr(code("operators.pacing"), "SLICE_S", 0.0)  # every step is told
    span = code("operators.exports").chosen_span(bpy.context.scene)
    running = steps.convert_steps(steps.order_of(bpy.context.scene, heads, span))
    while next(running).fraction < 0.5 * (steps.SOLVED + 1.0):
        pass
    assert len(bpy.data.actions) > 1
    running.close()
    assert scene_state() == before
    assert not bpy.data.actions.get(f"{HEAD} Performance")
    assert not curves_of(part("Lashes").data.shape_keys)
