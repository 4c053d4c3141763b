# SPDX-License-Identifier: GPL-3.0-or-later
"""The built-in head in a scene: parts, names, jaw, eyes, and what a character finds in it."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

EXTENSION = "bl_ext.user_default.facewright"


def module(name):
    return importlib.import_module(f"{EXTENSION}.{name}")


@pytest.fixture
def head():
    import bpy

    add = module("scene.template_head").add_template_head
    return add(bpy.context.scene.collection, (1.0, 2.0, 3.0), open_mouth=True)


def evaluated_points(obj):
    import bpy

    depsgraph = bpy.context.evaluated_depsgraph_get()
    mesh = obj.evaluated_get(depsgraph).to_mesh()
    points = np.empty(len(mesh.vertices) * 3, dtype=np.float32)
    mesh.vertices.foreach_get("co", points)
    world = np.array(obj.evaluated_get(depsgraph).matrix_world)
    obj.evaluated_get(depsgraph).to_mesh_clear()
    return points.reshape(-1, 3) @ world[:3, :3].T + world[:3, 3]


def test_all_parts_are_there_marked_and_move_together(head):
    import bpy

    names = module("core.head").PART_NAMES
    assert set(head.objects) == set(names)
    for name, obj in head.objects.items():
        assert obj["facewright_part"] == name
    bpy.context.view_layer.update()
    before = {n: o.matrix_world.translation.copy() for n, o in head.objects.items()}
    head.skin.location.x += 5
    bpy.context.view_layer.update()
    for name, obj in head.objects.items():
        assert (obj.matrix_world.translation - before[name]).x == pytest.approx(5, abs=1e-4)


def test_it_stands_where_asked_upright_and_of_a_heads_size(head):
    points = evaluated_points(head.skin)
    size = points.max(axis=0) - points.min(axis=0)
    assert 0.2 < size[2] < 0.4
    assert np.abs(points.mean(axis=0) - [1, 2, 3]).max() < 0.15
    # The nose points to -Y.
    nose = points[points[:, 1].argmin()]
    assert abs(nose[0] - 1.0) < 0.01


def test_shape_keys_have_the_fields_names_and_ranges(head):
    naming = module("core.naming")
    keys = head.skin.data.shape_keys.key_blocks
    assert tuple(key.name for key in keys)[1:] == naming.ARKIT_NAMES
    assert {key.slider_max for key in list(keys)[1:]} == {1.0}
    tongue = head.objects["tongue"].data.shape_keys.key_blocks
    assert tuple(key.name for key in tongue)[1:17] == naming.TONGUE_NAMES
    assert tongue["tongueTipUp"].slider_max == 3.0
    assert all(key.value == 0 for key in [*list(keys)[1:], *list(tongue)[1:]])


def test_a_shape_key_moves_the_skin_as_the_asset_says(head):
    template = module("scene.template_head")
    asset = module("core.head").load_head(template.ASSET)
    skin = head.skin
    skin.modifiers.clear()
    rest = evaluated_points(skin)
    skin.data.shape_keys.key_blocks["mouthSmileLeft"].value = 1.0
    moved = evaluated_points(skin) - rest
    shape = asset.skin.shapes[asset.skin.shape_names.index("mouthSmileLeft")] * 0.01
    assert np.allclose(moved, np.stack([shape[:, 0], -shape[:, 2], shape[:, 1]], axis=1), atol=1e-5)


def test_turning_the_lower_denture_carries_the_tongue(head):
    import bpy

    tongue = head.objects["tongue"]
    rest = evaluated_points(tongue)
    head.objects["lower_denture"].location.z -= 0.02
    bpy.context.view_layer.update()
    assert np.allclose(evaluated_points(tongue) - rest, [0, 0, -0.02], atol=1e-5)


@pytest.mark.parametrize("side", ["left", "right"])
def test_an_eye_turns_about_its_centre(head, side):
    import bpy

    eye = head.objects[f"eye_{side}"]
    bpy.context.view_layer.update()
    centre = np.array(eye.matrix_world.translation)
    rest = np.linalg.norm(evaluated_points(eye) - centre, axis=1)
    eye.rotation_euler = (0.2, 0.0, 0.2)
    bpy.context.view_layer.update()
    assert np.allclose(np.linalg.norm(evaluated_points(eye) - centre, axis=1), rest, atol=1e-5)
    assert rest.max() - rest.min() < 0.002


def test_a_character_is_found_from_any_part(head):
    find = module("scene.characters").find_character
    for obj in head.objects.values():
        character = find(obj)
        assert character.face == head.skin
        assert character.missing == ()
        eyes = [eye.object["facewright_part"] for eye in character.eyes]
        assert eyes == ["eye_right", "eye_left"]


def test_the_open_mouth_twin_is_hidden_and_of_the_same_topology(head):
    twin = head.open_mouth
    assert twin.hide_render
    assert len(twin.data.vertices) == len(head.skin.data.vertices)
    assert [tuple(p.vertices) for p in twin.data.polygons] == [
        tuple(p.vertices) for p in head.skin.data.polygons
    ]
    points = np.array([v.co for v in twin.data.vertices])
    rest = np.array([v.co for v in head.skin.data.vertices])
    assert (rest[:, 2] - points[:, 2]).max() > 0.02


def test_two_heads_share_materials_but_no_meshes(head):
    import bpy

    count = len(bpy.data.materials)
    other = module("scene.template_head").add_template_head(bpy.context.scene.collection)
    assert len(bpy.data.materials) == count
    assert other.skin.data != head.skin.data
    assert other.skin.name != head.skin.name


def test_every_face_has_a_material_and_the_solid_view_a_colour(head):
    for obj in head.objects.values():
        used = {polygon.material_index for polygon in obj.data.polygons}
        assert used <= set(range(len(obj.data.materials)))
        for material in obj.data.materials:
            assert max(material.diffuse_color[:3]) < 0.95
            assert "Color" in obj.data.color_attributes


def test_a_missing_asset_is_a_plain_sentence(tmp_path):
    import bpy

    add = module("scene.template_head").add_template_head
    error = module("core.errors").UserError
    with pytest.raises(error, match="missing"):
        add(bpy.context.scene.collection, asset=tmp_path / "none.npz")
