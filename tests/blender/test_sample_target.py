# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample target in a scene: its parts, and the pairs that come with it."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

EXTENSION = "bl_ext.user_default.facewright"


def module(name):
    return importlib.import_module(f"{EXTENSION}.{name}")


@pytest.fixture
def parts():
    import bpy

    add = module("scene.sample_target").add_sample_target
    return add(bpy.context.scene.collection, (1.0, 2.0, 3.0))


def test_parts_are_separate_objects_without_shapes_that_move_with_the_skin(parts):
    import bpy

    assert set(parts) == set(module("core.sample_target").PART_NAMES)
    bpy.context.view_layer.update()
    for name, obj in parts.items():
        assert obj.data.shape_keys is None
        # It is nobody's template head.
        assert obj.get("facewright_part") is None
        assert (obj.parent is None) == (name == "skin")
        assert obj.matrix_world.translation.x == pytest.approx(1.0, abs=0.05)
    eye = parts["eye_left"]
    points = np.array([vertex.co for vertex in eye.data.vertices])
    assert np.abs(points.max(axis=0) + points.min(axis=0)).max() < 2e-3  # turns about its middle
    skin = np.array([vertex.co for vertex in parts["skin"].data.vertices])
    assert 0.2 < np.ptp(skin[:, 2]) < 0.4


def test_the_ready_pairs_are_for_just_these_meshes(parts):
    import bpy

    meshes = module("scene.retarget_meshes")
    setup = module("core.retarget.setup_file").read_setup(module("scene.sample_target").PAIRS)
    head = module("scene.template_head").add_template_head(bpy.context.scene.collection)
    assert setup.driver.topology == meshes.hash_of(head.skin)
    assert setup.target.topology == meshes.hash_of(parts["skin"])
