# SPDX-License-Identifier: GPL-3.0-or-later
"""The wrap tool: what follows, what it refuses, and how it goes with the rest of Blender."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import bpy
import numpy as np
import pytest
from layouts import Layout
from wrap_tool import BEGIN, FINISHED, bent, said, select_only
from wraps import ball, bend, moved_by, now_of, rest_of


def test_all_listed_meshes_follow(filled, face, hairs):
    assert BEGIN() == FINISHED
    assert all(moved_by(obj) < 1e-5 for obj in hairs)
    bent(face)
    assert all(moved_by(obj) > 0.1 for obj in hairs)


def test_the_fields_are_filled_from_the_selection(tool, face, hairs):
    """By the button, and by Begin Wrap where they are empty."""
    select_only(face, *hairs)
    assert bpy.ops.facewright.wrap_fill() == FINISHED
    assert tool.driver == face and tool.driven_objects == hairs
    tool.driver = None
    tool.driven.clear()
    assert BEGIN() == FINISHED
    assert tool.driver == face and tool.driven_objects == hairs
    bent(face)
    assert moved_by(hairs[1]) > 0.1


def test_driver_and_driven_swap(filled, face, hairs):
    filled.active_driven = 1
    assert bpy.ops.facewright.wrap_swap() == FINISHED
    assert filled.driver == hairs[1] and filled.driven_objects == [hairs[0], face]


def test_meshes_are_added_and_taken_off(filled, face, hairs):
    lashes = ball("Lashes", 8, 1.1)
    select_only(face, lashes, hairs[0])
    assert bpy.ops.facewright.wrap_add_meshes() == FINISHED
    assert filled.driven_objects == [*hairs, lashes]
    assert bpy.ops.facewright.wrap_remove_mesh() == FINISHED
    assert filled.driven_objects == hairs


def test_the_usual_distance_is_a_share_of_the_driver(tool, face):
    tool.driver = face
    tall = np.ptp(rest_of(face) * face.scale, axis=0)
    assert tool.max_distance == pytest.approx(0.02 * np.linalg.norm(tall), rel=1e-4)
    tool.max_distance = 0.5
    assert tool.max_distance == pytest.approx(0.5)


def test_settings_hold_at_once(filled, face, hairs, modifiers):
    BEGIN()
    bent(face)
    turned = now_of(hairs[0])
    filled.face_tangent_space = False
    assert np.abs(now_of(hairs[0]) - turned).max() > 0.01
    filled.max_distance = 0.0
    filled.use_max_distance = True
    assert all(moved_by(obj) == 0.0 for obj in hairs)
    filled.max_distance = 10.0
    assert moved_by(hairs[0]) > 0.1
    options = modifiers.options_of(modifiers.wrap_of(hairs[0]))
    assert options == modifiers.WrapOptions(True, 10.0, False)


def test_remove_lets_them_rest(filled, face, hairs):
    BEGIN()
    bent(face)
    assert bpy.ops.facewright.wrap_remove() == FINISHED
    for obj in hairs:
        assert moved_by(obj) == 0.0 and not len(obj.modifiers)
        assert not [each for each in obj.data.attributes if each.name.startswith("facewright")]
    assert not len(bpy.data.node_groups)
    with pytest.raises(RuntimeError, match="None of the meshes is wrapped"):
        bpy.ops.facewright.wrap_remove()


# ---- what it refuses


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ("MAYBE", "cannot be read"),
        ('{"Beard": 3}', "are no answers"),
        ('{"Nobody": "ADD"}', "'Nobody' is none of the meshes"),
    ],
)
def test_answers_that_make_no_sense(filled, hairs, answers, reason):
    with pytest.raises(RuntimeError) as error:
        BEGIN(answers=answers)
    assert reason in said(error)
    assert not any(len(obj.modifiers) for obj in hairs)


def _no_faces(face: Any, hairs: list[Any]) -> None:
    bpy.context.scene.facewright.wrap.driver = bpy.data.objects.new(
        "Points", bpy.data.meshes.new("Points")
    )


def _no_vertices(face: Any, hairs: list[Any]) -> None:
    empty = bpy.data.objects.new("Empty", bpy.data.meshes.new("Empty"))
    bpy.context.scene.facewright.wrap.driven[1].object = empty


def _itself(face: Any, hairs: list[Any]) -> None:
    bpy.context.scene.facewright.wrap.driven[1].object = face


def _in_a_circle(face: Any, hairs: list[Any]) -> None:
    tool = bpy.context.scene.facewright.wrap
    tool.driver, tool.driven[1].object = hairs[1], face
    tool.driven.remove(0)
    assert BEGIN() == FINISHED
    tool.driver, tool.driven[0].object = face, hairs[1]


def _flat(face: Any, hairs: list[Any]) -> None:
    hairs[1].scale = (0, 1, 1)
    bpy.context.view_layer.update()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (_no_faces, "'Points' has no faces."),
        (_no_vertices, "'Empty' has no vertices."),
        (_itself, "'Face' cannot follow itself."),
        (_in_a_circle, "'Face' follows 'Brows' already."),
        (_flat, "scaled to nothing"),
    ],
)
def test_what_cannot_be_wrapped_is_said_and_nothing_is_changed(
    filled, face, hairs, modifiers, spoil, reason
):
    spoil(face, hairs)
    with pytest.raises(RuntimeError) as error:
        BEGIN()
    assert reason in said(error)
    assert not any(modifiers.wraps_of(obj) for obj in hairs)


def test_linked_meshes_are_refused(filled, face, hairs, tmp_path):
    path = str(tmp_path / "library.blend")
    bpy.data.libraries.write(path, {hairs[0]})
    with bpy.data.libraries.load(path, link=True) as (_there, here):
        here.objects = ["Beard"]
    filled.driven[0].object = here.objects[0]
    with pytest.raises(RuntimeError) as error:
        BEGIN()
    assert "'Beard' is linked from another file." in said(error)


def test_in_edit_mode_it_waits(filled, face):
    select_only(face)
    bpy.ops.object.mode_set(mode="EDIT")
    with pytest.raises(RuntimeError, match="Leave the edit mode first"):
        BEGIN()
    bpy.ops.object.mode_set(mode="OBJECT")
    assert BEGIN() == FINISHED


def test_shape_keys_of_a_mesh_that_follows(filled, face, hairs):
    """Its basis follows, whatever the keys show."""
    bend(hairs[0], 1.0, seed=5)
    assert BEGIN() == FINISHED
    assert moved_by(hairs[0]) < 1e-5


def test_an_unknown_count_of_vertices_is_told(filled, face, hairs, code):
    face.modifiers.new("Mirror", "MIRROR").use_mirror_merge = False
    outcome = code("scene.wrapping").wrap_meshes(
        face, hairs, code("scene.wrap_modifier").WrapOptions(), {}
    )
    assert any("change its vertices" in text for text in outcome.notices)
    assert all(moved_by(obj) == 0.0 for obj in hairs)


# ---- beside Blender


def test_one_step_of_undo_takes_all_of_it_back(filled, face, hairs):
    bpy.ops.ed.undo_push(message="before")
    assert BEGIN() == FINISHED
    bpy.ops.ed.undo_push(message="Begin Wrap")
    bpy.ops.ed.undo()
    for name in ("Beard", "Brows"):
        obj = bpy.data.objects[name]
        assert not len(obj.modifiers)
        assert not [each for each in obj.data.attributes if each.name.startswith("facewright")]
    assert not len(bpy.data.node_groups)
    bpy.ops.ed.redo()
    bent(bpy.data.objects["Face"])
    assert moved_by(bpy.data.objects["Brows"]) > 0.1


def test_renders_show_it(filled, face, hairs, scene, tmp_path):
    """Frame 1 at rest, frame 2 far aside: the picture of the second is empty."""
    BEGIN()
    face.hide_render = hairs[1].hide_render = True
    key = face.data.shape_keys.key_blocks["Bent"]
    moved = np.tile(np.array([50, 0, 0], np.float32), len(key.points))
    key.points.foreach_set("co", moved)
    for frame, value in ((1, 0.0), (2, 1.0)):
        key.value = value
        key.keyframe_insert("value", frame=frame)
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(camera)
    camera.location, scene.camera = (0.2, 0.2, 8), camera
    scene.render.engine, scene.render.film_transparent = "CYCLES", True
    scene.cycles.samples, scene.cycles.use_denoising = 1, False
    scene.render.resolution_x = scene.render.resolution_y = 16
    covered = [_covered(scene, frame, tmp_path) for frame in (1, 2)]
    assert covered[0] > 20 and covered[1] == 0


def _covered(scene: Any, frame: int, folder: Any) -> int:
    """Opaque pixels of a rendered frame."""
    scene.frame_set(frame)
    scene.render.filepath = str(folder / f"{frame}.png")
    bpy.ops.render.render(write_still=True)
    picture = bpy.data.images.load(scene.render.filepath)
    opacity = np.empty(len(picture.pixels), np.float32)
    picture.pixels.foreach_get(opacity)
    return int((opacity[3::4] > 0.5).sum())


def test_the_panel_says_what_is_missing_and_what_is_wrong(code, scene, tool, face, hairs):
    panel = code("panels.wrap")

    def shown() -> str:
        texts: list[str] = []
        stand_in = SimpleNamespace(layout=Layout(texts))
        panel.FACEWRIGHT_PT_wrap.draw(stand_in, bpy.context)
        for row in tool.driven:
            panel.FACEWRIGHT_UL_wrapped.draw_item(
                stand_in, bpy.context, Layout(texts), tool, row, 0, tool, "active_driven"
            )
        return " ".join(texts)

    for obj in bpy.data.objects:
        obj.select_set(False)
    bpy.context.view_layer.objects.active = None
    assert "Choose the driver" in shown()
    tool.driver = face
    assert "Add the meshes that are to follow" in shown()
    tool.driven.add().object = hairs[0]
    BEGIN()
    assert "begin its wrap again" not in shown()
    hairs[0].data.vertices.add(1)
    assert "begin its wrap again" in shown()


def test_a_lash_goes_with_its_root(scene, tool):
    """It grows on the upper lid, and its tip is nearer to the lower one."""
    lids = bpy.data.meshes.new("Lids")
    corners = [(x, y, 0.0) for low in (0.0, 1.1) for y in (low, low + 1.0) for x in (-2.0, 2.0)]
    lids.from_pydata(corners, [], [(0, 1, 3, 2), (4, 5, 7, 6)])
    face = bpy.data.objects.new("Lids", lids)
    steps = np.arange(6)
    strip = [(side * (0.01 - 0.0015 * s), 1.105 - 0.018 * s, 0.002 + 0.01 * s)
             for s in steps for side in (-1, 1)]  # fmt: skip
    lash = bpy.data.meshes.new("Lash")
    lash.from_pydata(strip, [], [(2 * s, 2 * s + 1, 2 * s + 3, 2 * s + 2) for s in steps[:-1]])
    obj = bpy.data.objects.new("Lash", lash)
    for each in (face, obj):
        scene.collection.objects.link(each)
    face.shape_key_add(name="Basis")
    key = face.shape_key_add(name="Blink", from_mix=False)
    for corner in key.points[4:]:
        corner.co.y -= 0.05
    for corner in key.points[:4]:
        corner.co.x += 0.3
    key.value = 0.0
    tool.driver, tool.driven.add().object = face, obj
    assert BEGIN() == FINISHED
    key.value = 1.0
    moved = now_of(obj) - rest_of(obj)
    np.testing.assert_allclose(moved, np.tile([0, -0.05, 0], (len(moved), 1)), atol=1e-5)
