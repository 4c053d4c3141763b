# SPDX-License-Identifier: GPL-3.0-or-later
"""Teeth and eyes of a target follow the driver's own rigidly."""

from __future__ import annotations

import bpy
import numpy as np
from mathutils import Euler, Matrix, Vector


def _points(obj):
    graph = bpy.context.evaluated_depsgraph_get()
    mesh = obj.evaluated_get(graph).to_mesh()
    found = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.vertices.foreach_get("co", found)
    return found.reshape(-1, 3).astype(np.float64)


def _cube(name, places=()):
    mesh = bpy.data.meshes.new(name)
    points = np.random.default_rng(1).normal(size=(12, 3))
    mesh.from_pydata(points.tolist(), [], [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]])
    obj = bpy.data.objects.new(name, mesh)
    bpy.context.collection.objects.link(obj)
    return obj


def test_a_part_goes_where_the_drivers_goes(code, scene):
    follow = code("scene.follow_modifier")
    head, part, teeth = _cube("Head"), _cube("Jaw"), _cube("Teeth")
    head.matrix_world = Matrix.LocRotScale(Vector((3, 2, 1)), Euler((0.3, 0.2, 0.1)), None)
    part.parent = head
    part.location = (0.1, -0.2, 0.3)
    teeth.matrix_world = Matrix.LocRotScale(Vector((-9, 0, 4)), Euler((1, 0, 2)), Vector((2, 3, 4)))
    over = np.array(Matrix.LocRotScale(Vector((7, 8, 9)), Euler((0.5, 1.5, 2.5)), (3, 3, 3)))
    rest = np.array(part.matrix_basis)
    before = _points(teeth)
    matrices = follow.matrices_of(rest, over)
    follow.add_follow(teeth, "jaw", (head, part), matrices, np.arange(6))
    assert np.allclose(_points(teeth), before, atol=1e-5)
    part.rotation_euler, part.location = (0.4, 0.1, 0.0), (0.1, -0.25, 0.35)
    head.location = (30, 20, 10)  # the head as a whole is not the part's motion
    bpy.context.view_layer.update()
    moved = over @ np.array(part.matrix_basis) @ np.linalg.inv(rest) @ np.linalg.inv(over)
    wanted = before.copy()
    wanted[:6] = before[:6] @ moved[:3, :3].T + moved[:3, 3]
    assert np.abs(wanted[:6] - before[:6]).max() > 0.5
    assert np.allclose(_points(teeth), wanted, atol=1e-4)
    assert len([g for g in bpy.data.node_groups if g.name.startswith("Facewright Follow")]) == 1
