# SPDX-License-Identifier: GPL-3.0-or-later
"""Character transfer to objects that are not as plain as the sample target."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from mathutils import Vector
from mathutils.bvhtree import BVHTree


@pytest.fixture
def landmarks(code):
    return code("core.retarget.landmarks")


@pytest.fixture
def outset(code, scene, landmarks):
    """The template, the sample target's skin alone, its pairs, and where they are (31, 3)."""
    bpy.ops.facewright.add_transfer()
    bpy.ops.facewright.add_driver()
    bpy.ops.facewright.add_sample_target()
    transfer = scene.facewright.transfer
    for name in ("lower_denture", "tongue", "eye_right", "eye_left"):
        setattr(transfer, name, None)
    transfer.others.clear()
    sample = code("core.sample_target").load_sample_target(code("scene.sample_target").ASSET)
    points = _points(transfer.target.data) @ _turn(transfer.target) + _shift(transfer.target)
    return transfer, sample.correspondences, sample.correspondences.on(points)


def _points(mesh):
    found = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.vertices.foreach_get("co", found)
    return found.reshape(-1, 3).astype(float)


def _turn(obj):
    return np.array(obj.matrix_world)[:3, :3].T


def _shift(obj):
    return np.array(obj.matrix_world)[:3, 3]


def _pair(code, landmarks, transfer, there):
    head = code("core.head").load_head(code("scene.template_head").ASSET)
    code("scene.correspondences").replace_pairs(
        transfer, landmarks.NAMES, landmarks.of_head(head).points, there
    )


def _picked(code, obj, spots):
    """Points (K, 3) of the world as pairs on a mesh."""
    obj.data.calc_loop_triangles()
    corners = np.array([list(each.vertices) for each in obj.data.loop_triangles])
    tree = BVHTree.FromPolygons(_points(obj.data).tolist(), corners.tolist())
    back = obj.matrix_world.inverted()
    found, shares = [], []
    for spot in spots:
        place, _, number, _ = tree.find_nearest(back @ Vector(spot))
        a, b, c = (np.array(obj.data.vertices[corner].co) for corner in corners[number])
        weights = np.linalg.lstsq(np.stack([b - a, c - a], axis=1), np.array(place) - a, rcond=None)
        found.append(corners[number])
        shares.append([1 - weights[0].sum(), *weights[0]])
    return code("core.retarget.pairs").SurfacePoints.of(found, shares)


def _moves(obj, name):
    """Displacements (V, 3) in the world that a generated key makes."""
    keys = obj.data.shape_keys.key_blocks
    ends = []
    for block in (keys[0], keys[name]):
        found = np.empty(len(block.points) * 3, np.float32)
        block.points.foreach_get("co", found)
        ends.append(found.reshape(-1, 3).astype(float))
    return (ends[1] - ends[0]) @ _turn(obj)


def _transferred():
    assert bpy.ops.facewright.begin_fitting() == {"FINISHED"}
    assert bpy.ops.facewright.generate_shapes() == {"FINISHED"}


def _seen_through(obj, ends, **weights):
    """Share of what lies between two points (3,) of the world, and as far up and down as half of
    that, through which one sees past the skin from the front (-Y)."""
    points = _points(obj.data) @ _turn(obj) + _shift(obj)
    points += sum(weight * _moves(obj, name) for name, weight in weights.items())
    tree = BVHTree.FromPolygons(points.tolist(), [list(f.vertices) for f in obj.data.polygons])
    middle, width = np.mean(ends, axis=0), abs(ends[0][0] - ends[1][0])
    hits = 0
    for x in np.linspace(-0.45, 0.45, 30) * width:
        for z in np.linspace(-0.5, 0.5, 30) * width:
            begin = middle + np.array([x, -5 * width, z])
            place, *_ = tree.ray_cast(begin.tolist(), (0, 1, 0))
            hits += place is None or place[1] > middle[1] + 0.25 * width
    return hits / 900


def test_a_mesh_of_five_hundred_vertices_with_polygons(code, outset, landmarks):
    transfer, _, spots = outset
    target = transfer.target
    modifier = target.modifiers.new("Fewer", "DECIMATE")
    modifier.ratio = 520 / len(target.data.vertices)
    flat = target.modifiers.new("Polygons", "DECIMATE")
    flat.decimate_type, flat.angle_limit = "DISSOLVE", 0.12
    graph = bpy.context.evaluated_depsgraph_get()
    mesh = bpy.data.meshes.new_from_object(target.evaluated_get(graph))
    target.modifiers.clear()
    target.data = mesh
    assert 300 < len(mesh.vertices) < 600
    assert max(len(face.vertices) for face in mesh.polygons) > 4
    pairs = _picked(code, target, spots)
    _pair(code, landmarks, transfer, pairs)
    _transferred()
    mouth, eye = (
        [spots[landmarks.NAMES.index(name)] for name in names]
        for names in (
            ("Left mouth corner", "Right mouth corner"),
            ("Left inner eye corner", "Left outer eye corner"),
        )
    )
    assert _seen_through(target, mouth) < 0.01
    assert _seen_through(target, mouth, jawOpen=1) > 0.25
    assert _seen_through(target, mouth, jawOpen=1, mouthClose=1) < 0.02
    # Rims of so few vertices do not fit each other: slits stay.
    assert _seen_through(target, eye, eyeBlinkLeft=1) < 0.4 * _seen_through(target, eye)
    edges = np.array([list(each.vertices) for each in mesh.edges])
    points = _points(mesh) @ _turn(target)
    moved = points + _moves(target, "jawOpen")
    lengths = [np.linalg.norm(p[edges[:, 0]] - p[edges[:, 1]], axis=1) for p in (points, moved)]
    assert (lengths[1] / np.maximum(lengths[0], 0.1 * np.median(lengths[0]))).max() < 8


def test_scale_mirror_modifiers_and_keys_of_its_own_do_not_matter(code, outset, landmarks):
    """The same head in the world, its mesh squeezed and mirrored, which its object undoes."""
    transfer, pairs, _ = outset
    target = transfer.target
    _pair(code, landmarks, transfer, pairs)
    _transferred()
    plain = {name: _moves(target, name) for name in ("jawOpen", "eyeBlinkRight", "mouthPucker")}
    target.shape_key_clear()
    scale = np.array([-2.0, 0.5, 3.0])
    places = _points(target.data) / scale
    target.data.vertices.foreach_set("co", places.astype(np.float32).ravel())
    target.data.flip_normals()
    target.scale = scale
    bpy.context.view_layer.update()
    transfer.pairs.clear()
    transfer.target_hash = ""
    _pair(code, landmarks, transfer, pairs)
    target.modifiers.new("Smooth", "SUBSURF")
    target.shape_key_add(name="Basis")
    fat = target.shape_key_add(name="Fat", from_mix=False)
    fat.points.foreach_set("co", (1.2 * places).astype(np.float32).ravel())
    fat.value = 1.0
    target.shape_key_add(name="jawOpen", from_mix=False)
    _transferred()
    keys = target.data.shape_keys.key_blocks
    assert keys["Fat"].value == 1.0
    assert [key.name for key in keys].count("jawOpen") == 1
    notices = code("properties.progress").STATE.notices
    assert "Shape keys of 'Sample Target' were replaced: jawOpen." in notices, notices
    bpy.ops.facewright.generate_shapes()
    assert not code("properties.progress").STATE.notices  # those are ours by now
    for name, moves in plain.items():
        off = np.linalg.norm(_moves(target, name) - moves, axis=1)
        assert off.max() < 0.02 * np.linalg.norm(moves, axis=1).max(), name
    # The live copy deforms before its modifiers do.
    fat.value = 0.0
    bpy.ops.facewright.begin_wrap()
    result = transfer.result
    assert [each.type for each in result.modifiers] == ["NODES", "SUBSURF"]
    result.modifiers["Smooth"].show_viewport = False
    transfer.driver.data.shape_keys.key_blocks["jawOpen"].value = 1.0
    graph = bpy.context.evaluated_depsgraph_get()
    live = (_points(result.evaluated_get(graph).data) - places) @ _turn(result)
    assert np.linalg.norm(live - plain["jawOpen"]) < 0.05 * np.linalg.norm(plain["jawOpen"])


def test_half_a_face_under_a_mirror_modifier_is_told(code, outset, landmarks):
    transfer, pairs, _ = outset
    _pair(code, landmarks, transfer, pairs)
    modifier = transfer.target.modifiers.new("Half", "MIRROR")
    status = code("operators.transfer_status")
    assert "Mirror modifier" in status.next_step(transfer)[0]
    assert not bpy.ops.facewright.begin_fitting.poll()
    modifier.show_viewport = False
    assert bpy.ops.facewright.begin_fitting.poll()


def test_a_head_linked_from_another_file_is_told(code, scene, outset, landmarks, tmp_path):
    transfer, pairs, _ = outset
    path = str(tmp_path / "Köpfe.blend")
    target = transfer.target
    name = target.name
    bpy.data.libraries.write(path, {target})
    with bpy.data.libraries.load(path, link=True) as (_, wanted):
        wanted.objects = [name]
    linked = wanted.objects[0]
    scene.collection.objects.link(linked)
    transfer.target = linked
    _pair(code, landmarks, transfer, pairs)
    bpy.ops.facewright.begin_fitting()
    with pytest.raises(RuntimeError, match=r"linked from another file\. Make a local copy"):
        bpy.ops.facewright.generate_shapes()
    assert bpy.ops.facewright.begin_wrap() == {"FINISHED"}  # a copy can follow all the same
    assert transfer.result.library is None
