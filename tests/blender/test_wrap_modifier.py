# SPDX-License-Identifier: GPL-3.0-or-later
"""The wrap's node group does what `core.retarget.wrap` does, and rests where it cannot."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest
import wraps
from mathutils import Euler, Matrix, Vector
from wraps import DRIVEN_PLACE, DRIVER_PLACE, ball, bend, moved_by, now_of, rest_of

EXACT = 1e-5


@pytest.fixture
def pair(scene):
    """A driver and a larger mesh around it, each turned and scaled in its own way."""
    return ball("Driver", 14, place=DRIVER_PLACE), ball("Driven", 11, 1.15, DRIVEN_PLACE, seed=2)


@pytest.fixture
def twin(code):
    """Where numpy puts the driven mesh, from what is kept on it and where the driver is now."""
    wrap, smoothing = code("core.retarget.wrap"), code("core.retarget.smoothing")
    pairs = code("core.retarget.pairs")

    def place(driver, driven, options, rest_driver, matrices=None, flat=False):
        corners = np.stack([wraps.stored(driven, name) for name in "abc"], axis=1)
        shares = np.stack([wraps.stored(driven, f"share_{name}") for name in "bc"], axis=1)
        shares = np.concatenate([1 - shares.sum(axis=1, keepdims=True), shares], axis=1)
        feet = pairs.SurfacePoints(corners.astype(np.int32), shares)
        to_driven = driven.matrix_world.inverted() @ driver.matrix_world
        at_bind = matrices or to_driven
        rest, count = rest_of(driven), len(rest_driver[0])
        points, normals = now_of(driver)[:count], wraps.normals_of(driver, count)
        if options.face_tangent_space:
            held = (rest_driver[0], None) if flat else rest_driver
            bound = wrap.wrapped(feet, wraps.through(at_bind.inverted(), rest), *held)
            there = wraps.through(to_driven, bound(points, None if flat else normals))
        else:
            bound = wrap.wrapped(
                feet, rest, wraps.through(at_bind, rest_driver[0]), rest_driver[1], tangent=False
            )
            there = bound(wraps.through(to_driven, points), normals)
        moves = (there - rest) * wraps.stored(driven, "weight")[:, None]
        near = np.ones(len(rest))
        if options.use_max_distance:
            near = wrap.within(wraps.stored(driven, "distance"), options.max_distance)
        moves *= near[:, None]
        if options.smooth_steps:
            edges = np.array([edge.vertices[:] for edge in driven.data.edges])
            weights = options.smooth_factor * wraps.stored(driven, "smooth")
            moves = smoothing.blurred(moves, edges, weights, options.smooth_steps)
        return rest + moves * near[:, None]

    return place


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"face_tangent_space": False},
        {"use_max_distance": True, "max_distance": 0.2},
        {"smooth_steps": 3, "smooth_factor": 0.3},
        {"smooth_steps": 2, "smooth_factor": 1.0, "use_max_distance": True, "max_distance": 0.2},
    ],
    ids=lambda options: "-".join(options) or "plain",
)
@pytest.mark.parametrize("flat", [False, True])
def test_it_goes_where_numpy_says(modifiers, twin, pair, options, flat):
    driver, driven = pair
    rng = np.random.default_rng(0)
    count = len(driven.data.vertices)
    chosen = modifiers.WrapOptions(**options)
    modifiers.add_wrap(
        driven,
        driver,
        options=chosen,
        weights=rng.uniform(0, 1, count),
        smooth=rng.uniform(0, 1, count),
        flat=flat,
    )
    rest = rest_of(driver), wraps.normals_of(driver)
    assert moved_by(driven) < EXACT
    bend(driver)
    assert moved_by(driven) > 0.1
    there = twin(driver, driven, chosen, rest, flat=flat)
    assert np.abs(now_of(driven) - there).max() < EXACT


@pytest.mark.parametrize("tangent", [True, False])
def test_a_driver_that_goes_elsewhere_takes_it_along(modifiers, twin, pair, tangent):
    driver, driven = pair
    chosen = modifiers.WrapOptions(face_tangent_space=tangent)
    modifiers.add_wrap(driven, driver, options=chosen)
    bound = driven.matrix_world.inverted() @ driver.matrix_world
    rest = rest_of(driver), wraps.normals_of(driver)
    turn = Matrix.LocRotScale(Vector((1, 2, 3)), Euler((1.0, 0.5, 2.0)), (1.5, 1.5, 1.5))
    driver.matrix_world = turn @ driver.matrix_world
    expected = twin(driver, driven, chosen, rest, bound)
    assert np.abs(now_of(driven) - expected).max() < 5 * EXACT
    if tangent:  # all of it turns with the driver as one solid
        before = wraps.through(turn, wraps.through(driven.matrix_world, rest_of(driven)))
        assert np.abs(wraps.through(driven.matrix_world, now_of(driven)) - before).max() < 5e-5


def test_parents_do_not_matter(modifiers, pair):
    driver, driven = pair
    bone = bpy.data.objects.new("Parent", None)
    bpy.context.scene.collection.objects.link(bone)
    for obj in pair:
        obj.parent = bone
        bpy.context.view_layer.update()
    modifiers.add_wrap(driven, driver)
    assert moved_by(driven) < EXACT
    bone.matrix_world = Matrix.LocRotScale(Vector((5, 1, 0)), Euler((0, 0, 1)), (2, 2, 2))
    assert moved_by(driven) < EXACT


def test_the_distance_is_changed_without_binding_again(modifiers, pair):
    driver, driven = pair
    wrap = modifiers.add_wrap(driven, driver)
    bend(driver)
    far = wraps.stored(driven, "distance")
    for most in np.quantile(far, [0.0, 0.3, 0.8, 1.0]):
        modifiers.change_options(wrap, use_max_distance=True, max_distance=float(most) + 1e-6)
        rests = np.abs(now_of(driven) - rest_of(driven)).max(axis=1) < EXACT
        np.testing.assert_array_equal(rests, far > most + 1e-6)
    modifiers.change_options(wrap, use_max_distance=False)
    assert moved_by(driven) > 0.1


def test_the_distance_is_that_of_the_world(modifiers, scene):
    driver, driven = ball("Driver", 14), ball("Driven", 14)
    for obj, radius in ((driver, 10.0), (driven, 10.5)):
        obj.scale = (radius, radius, radius)
    bpy.context.view_layer.update()
    modifiers.add_wrap(driven, driver)
    far = wraps.stored(driven, "distance")
    # The bumps are steep, so the nearest point is a little nearer than the one beneath
    assert far.max() < 0.5 * 1.1 and far.min() > 0.3


@pytest.mark.parametrize("levels", [1, 2])
def test_a_subdivided_driver(modifiers, pair, levels):
    """Subdivision keeps the vertices and puts them first; also at another level, as renders do."""
    driver, driven = ball("Fine", 30, place=DRIVER_PLACE), pair[1]
    subdivision = driver.modifiers.new("Subdivision", "SUBSURF")
    subdivision.levels = levels
    bpy.context.view_layer.update()
    wrap = modifiers.add_wrap(driven, driver)
    assert moved_by(driven) < EXACT
    key = bend(driver)
    moved = now_of(driven)
    assert modifiers.fault_of(wrap) == "" and np.abs(moved - rest_of(driven)).max() > 0.1
    subdivision.levels = 3
    assert np.abs(now_of(driven) - moved).max() < 0.02
    key.value = 0.0
    subdivision.show_viewport = False
    moved = np.linalg.norm(now_of(driven) - rest_of(driven), axis=1)
    assert 0 < np.median(moved) < 0.02  # the smooth surface lies within the angular one


def test_a_sculpted_driver(modifiers, pair):
    """Levels of a multiresolution modifier are subdivision that was moved by hand."""
    driver, driven = pair
    levels = driver.modifiers.new("Levels", "MULTIRES")
    with bpy.context.temp_override(object=driver, active_object=driver):
        bpy.ops.object.multires_subdivide(modifier=levels.name)
    bpy.context.view_layer.update()
    modifiers.add_wrap(driven, driver)
    assert len(now_of(driver)) > len(rest_of(driver)) and moved_by(driven) < EXACT
    driver.location.x += 1
    assert moved_by(driven) > 0.5


def _delete_one(obj):
    bpy.context.view_layer.objects.active = obj
    for each in bpy.data.objects:
        each.select_set(each == obj)
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_all(action="DESELECT")
    bpy.ops.object.mode_set(mode="OBJECT")
    obj.data.vertices[3].select = True
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.delete(type="VERT")
    bpy.ops.object.mode_set(mode="OBJECT")


def test_a_driver_with_other_vertices_moves_nothing(modifiers, pair):
    driver, driven = pair
    wrap = modifiers.add_wrap(driven, driver)
    bend(driver)
    thinned = driver.modifiers.new("Thin", "DECIMATE")
    thinned.ratio = 0.5
    assert moved_by(driven) == 0.0
    driver.modifiers.remove(thinned)
    assert moved_by(driven) > 0.1
    _delete_one(driver)
    assert moved_by(driven) == 0.0
    assert modifiers.fault_of(wrap) == modifiers.OTHER_DRIVER_VERTICES


def test_a_mesh_with_other_vertices_rests(modifiers, pair):
    driver, driven = pair
    wrap = modifiers.add_wrap(driven, driver)
    bend(driver)
    _delete_one(driven)
    assert moved_by(driven) == 0.0
    assert modifiers.fault_of(wrap) == modifiers.OTHER_VERTICES


def test_without_a_driver_it_rests(modifiers, pair):
    driver, driven = pair
    wrap = modifiers.add_wrap(driven, driver)
    bend(driver)
    bpy.data.objects.remove(driver)
    assert moved_by(driven) == 0.0
    assert modifiers.fault_of(wrap) == modifiers.NO_DRIVER


def test_normals_that_were_set_by_hand(modifiers, pair):
    driver, driven = pair
    rng = np.random.default_rng(1)
    normals = rng.normal(size=(len(driver.data.vertices), 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    driver.data.normals_split_custom_set_from_vertices(normals.tolist())
    modifiers.add_wrap(driven, driver)
    assert moved_by(driven) < EXACT


def test_it_comes_before_what_changes_the_vertices(modifiers, pair):
    driver, driven = pair
    driven.modifiers.new("Subdivision", "SUBSURF")
    wrap = modifiers.add_wrap(driven, driver)
    assert next(iter(driven.modifiers)) == wrap
    before = now_of(driven)
    bend(driver)
    assert len(before) > len(rest_of(driven)) and np.abs(now_of(driven) - before).max() > 0.1


def test_one_group_serves_all_and_goes_with_the_last(modifiers, pair):
    driver, driven = pair
    other = ball("Other", 8, 1.2)
    wraps_made = [modifiers.add_wrap(obj, driver) for obj in (driven, other)]
    assert len(bpy.data.node_groups) == 1
    names = {attribute.name for attribute in driven.data.attributes}
    modifiers.remove_wrap(wraps_made[0])
    left = {attribute.name for attribute in driven.data.attributes}
    assert all(name.startswith("facewright_wrap") for name in names - left)
    assert not any(name.startswith("facewright") for name in left)
    assert len(bpy.data.node_groups) == 1
    modifiers.remove_wrap(wraps_made[1])
    assert len(bpy.data.node_groups) == 0
    assert [each.name for each in bpy.data.scenes] == [bpy.context.scene.name]


def test_a_group_of_an_older_version_is_replaced(code, modifiers, pair):
    driver, driven = pair
    nodes = code("scene.wrap_nodes")
    options = modifiers.WrapOptions(True, 0.4, False)
    wrap = modifiers.add_wrap(driven, driver, options=options)
    bend(driver)
    moved = now_of(driven)
    wrap.node_group[nodes.VERSION_KEY] = nodes.VERSION - 1
    modifiers.add_wrap(ball("Other", 8, 1.2), driver)
    assert len(bpy.data.node_groups) == 1
    assert wrap.node_group[nodes.VERSION_KEY] == nodes.VERSION
    assert modifiers.options_of(wrap).max_distance == pytest.approx(0.4)
    assert np.abs(now_of(driven) - moved).max() < EXACT


def test_a_group_that_somebody_has_spoilt_does_no_harm(code, modifiers, pair):
    """By hand, or in a file from elsewhere."""
    driver, driven = pair
    nodes = code("scene.wrap_nodes")
    wrap = modifiers.add_wrap(driven, driver)
    group = wrap.node_group
    group.interface.remove(group.interface.items_tree[nodes.DRIVER])
    assert modifiers.driver_of(wrap) is None and modifiers.fault_of(wrap) == modifiers.NO_DRIVER
    modifiers.remove_wrap(wrap)
    assert not len(driven.modifiers)
    other = bpy.data.node_groups.new("Other", "GeometryNodeTree")
    other[nodes.VERSION_KEY] = "newest"
    assert not nodes.is_wrap_group(other)
    assert modifiers.fault_of(modifiers.add_wrap(driven, driver)) == ""


def test_meshes_that_share_their_vertices_are_bound_each(modifiers, pair):
    """Two objects of one mesh, as mirrored lashes are."""
    driver, driven = pair
    twin = bpy.data.objects.new("Twin", driven.data)
    bpy.context.scene.collection.objects.link(twin)
    twin.matrix_world = Matrix.Scale(-1, 4, (1, 0, 0)) @ DRIVEN_PLACE
    bpy.context.view_layer.update()
    for obj in (driven, twin):
        modifiers.add_wrap(obj, driver)
    for obj in (driven, twin):
        assert moved_by(obj) < EXACT
    bend(driver)
    assert np.abs(now_of(driven) - now_of(twin)).max() > 0.01


def test_a_driver_that_a_mesh_cache_moves(modifiers, pair, tmp_path):
    driver, driven = pair
    rest = rest_of(driver).astype(np.float32)
    moved = rest + np.float32(0.5) * rest[:, [1, 2, 0]]
    path = _write_pc2(tmp_path / "moves.pc2", [rest, moved])
    modifiers.add_wrap(driven, driver)
    cache = driver.modifiers.new("Cache", "MESH_CACHE")
    cache.cache_format, cache.filepath, cache.frame_start = "PC2", str(path), 1
    bpy.context.scene.frame_set(1)
    assert moved_by(driven) < EXACT
    bpy.context.scene.frame_set(2)
    assert moved_by(driven) > 0.1


def _write_pc2(path: Path, frames: list[np.ndarray]) -> Path:
    head = b"POINTCACHE2\0" + np.array([1, len(frames[0])], "<i4").tobytes()
    head += np.array([0.0, 1.0], "<f4").tobytes() + np.array([len(frames)], "<i4").tobytes()
    path.write_bytes(head + b"".join(frame.astype("<f4").tobytes() for frame in frames))
    return path


def test_it_is_kept_in_the_file(modifiers, pair, tmp_path):
    driver, driven = pair
    modifiers.add_wrap(driven, driver, options=modifiers.WrapOptions(True, 0.6, False, 2, 0.4))
    bend(driver)
    moved, options = now_of(driven), modifiers.options_of(modifiers.wrap_of(driven))
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "wrap.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "wrap.blend"))
    driven = bpy.data.objects["Driven"]
    assert np.abs(now_of(driven) - moved).max() < 1e-6
    assert modifiers.options_of(modifiers.wrap_of(driven)) == options
