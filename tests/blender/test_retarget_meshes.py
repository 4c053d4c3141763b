# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes of the scene as character transfer sees them."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
import wraps


def test_a_key_moves_from_the_key_that_it_is_relative_to(code, scene):
    obj = wraps.ball("Face", 8)
    first = wraps.bend(obj, 0.0)
    second = obj.shape_key_add(name="More", from_mix=False)
    second.relative_key = first
    points = np.empty(3 * len(first.points), np.float32)
    first.points.foreach_get("co", points)
    second.points.foreach_set(
        "co", points + np.tile(np.array([0, 0, 0.5], np.float32), len(first.points))
    )
    second.value = 1.0
    names, moves = code("scene.retarget_meshes").shape_moves(obj)
    assert names == ("Bent", "More")
    seen = wraps.now_of(obj) - wraps.rest_of(obj)
    np.testing.assert_allclose(moves[1], seen, atol=1e-6)
    np.testing.assert_allclose(moves[1], np.tile([0, 0, 0.5], (len(seen), 1)), atol=1e-6)


def test_winding_and_places_are_those_of_the_world(code, scene):
    """Outwards also where the object is mirrored."""
    obj = wraps.ball("Face", 8)
    obj.scale = (-2.0, 2.0, 2.0)
    bpy.context.view_layer.update()
    meshes = code("scene.retarget_meshes")
    mesh = meshes.standing_mesh(obj)
    assert ((mesh.points * mesh.normals).sum(axis=1) > 0).mean() > 0.9
    back = meshes.to_local(obj, mesh.points)
    np.testing.assert_allclose(back, wraps.rest_of(obj), atol=1e-5)
    obj.scale.x = 0.0
    bpy.context.view_layer.update()
    with pytest.raises(code("core.errors").UserError, match="'Face' is scaled to nothing"):
        meshes.to_local(obj, back)
