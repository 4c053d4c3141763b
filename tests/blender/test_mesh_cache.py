# SPDX-License-Identifier: GPL-3.0-or-later
"""A point cache on a mesh: every frame where it belongs, whatever the rates."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import bpy
import numpy as np
import pytest

FRAMES, POINTS = 12, 8


def positions(seed=0):
    return np.random.default_rng(seed).normal(size=(FRAMES, POINTS, 3)).astype(np.float32)


def pc2(path, points):
    head = b"POINTCACHE2\0" + struct.pack("<iiffi", 1, points.shape[1], 0.0, 1.0, len(points))
    path.write_bytes(head + points.astype("<f4").tobytes())
    return path


def mdd(path, points, rate=24.0):
    head = struct.pack(">ii", len(points), points.shape[1])
    times = (np.arange(len(points)) / rate).astype(">f4").tobytes()
    path.write_bytes(head + times + points.astype(">f4").tobytes())
    return path


@pytest.fixture
def cube(scene):
    bpy.ops.mesh.primitive_cube_add()
    return bpy.context.object


@pytest.fixture
def caches(code):
    return code("scene.mesh_cache")


def shown(obj, frame):
    bpy.context.scene.frame_set(int(frame // 1), subframe=frame % 1)
    depsgraph = bpy.context.evaluated_depsgraph_get()
    mesh = obj.evaluated_get(depsgraph).data
    found = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.vertices.foreach_get("co", found)
    return found.reshape(-1, 3)


@pytest.mark.parametrize("kind", [pc2, mdd])
@pytest.mark.parametrize("first", [1, 0, -7, 1001.5])
def test_frames_are_shown_as_they_are_in_the_file(tmp_path, scene, cube, caches, kind, first):
    points = positions()
    path = kind(tmp_path / f"顔 mit Leerzeichen.{kind.__name__}", points)
    caches.add_mesh_cache(cube, path, scene, first)
    for index in (0, 5, FRAMES - 1):
        np.testing.assert_allclose(shown(cube, first + index), points[index], atol=1e-6)
    np.testing.assert_allclose(shown(cube, first - 40), points[0], atol=1e-6)
    np.testing.assert_allclose(shown(cube, first + 40), points[-1], atol=1e-6)


@pytest.mark.parametrize("kind", [pc2, mdd])
@pytest.mark.parametrize(
    ("fps", "base", "rate"),
    [(24, 1.0, Fraction(60)), (30, 1.001, Fraction(60)), (60, 1.0, Fraction(24000, 1001))],
)
def test_time_is_kept_where_the_rates_differ(tmp_path, scene, cube, caches, kind, fps, base, rate):
    points = positions()
    scene.render.fps, scene.render.fps_base = fps, base
    caches.add_mesh_cache(cube, kind(tmp_path / f"a.{kind.__name__}", points), scene, 11, rate)
    for index in (0, 1, 4, 7.5):
        frame = 11 + index / float(rate) * fps / base
        lower = int(index)
        mixed = points[lower] + (index - lower) * (points[lower + 1] - points[lower])
        np.testing.assert_allclose(shown(cube, frame), mixed, atol=2e-4)


def test_it_comes_before_what_changes_the_vertices(tmp_path, scene, cube, caches):
    cube.modifiers.new("Subdivision", "SUBSURF")
    modifier = caches.add_mesh_cache(cube, pc2(tmp_path / "a.pc2", positions()), scene, 1)
    assert next(iter(cube.modifiers)) == modifier
    assert caches.mesh_caches_of(cube) == [modifier]
    assert len(shown(cube, 3)) > POINTS


def test_a_saved_blend_may_move_with_its_files(tmp_path, scene, cube, caches):
    points = positions()
    (tmp_path / "here").mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "here" / "ä.blend"))
    scene, cube = bpy.context.scene, bpy.context.object
    modifier = caches.add_mesh_cache(cube, pc2(tmp_path / "here" / "a.pc2", points), scene, 1)
    assert modifier.filepath == "//a.pc2"
    bpy.ops.wm.save_mainfile()
    (tmp_path / "here").rename(tmp_path / "there")
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "there" / "ä.blend"))
    cube = bpy.data.objects["Cube"]
    np.testing.assert_allclose(shown(cube, 4), points[3], atol=1e-6)
    assert caches.file_of(cube.modifiers[0]) == Path(tmp_path / "there" / "a.pc2")


def test_what_cannot_be_played_leaves_the_mesh_alone(tmp_path, scene, cube, caches, code):
    error = code("core.errors").UserError
    with pytest.raises(error, match=r"a\.abc cannot be played"):
        caches.add_mesh_cache(cube, tmp_path / "a.abc", scene, 1)
    scene.render.fps = 1
    with pytest.raises(error, match="240 frames per second cannot be played at 1"):
        caches.add_mesh_cache(cube, tmp_path / "a.pc2", scene, 1, Fraction(240))
    assert not cube.modifiers
