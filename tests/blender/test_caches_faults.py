# SPDX-License-Identifier: GPL-3.0-or-later
"""Geometry caches that go wrong or are cancelled: nothing half-written, and one clear sentence."""

from __future__ import annotations

from types import SimpleNamespace

import bpy
import numpy as np
import pytest
from cache_readers import read_pc2
from caching import caged, export


def begun(code, scene, cache_settings, **changes):
    """The steps of an export, as a window takes them."""
    operator = code("operators.caches").FACEWRIGHT_OT_export_caches
    for name, value in changes.items():
        setattr(cache_settings, name, value)
    return operator.steps(SimpleNamespace(), bpy.context)


@pytest.mark.parametrize("kind", ["USD", "MC", "PC2"])
def test_cancelling_leaves_nothing(
    tmp_path, scene, cached_mesh, cache_settings, code, kind, monkeypatch
):
    monkeypatch.setattr(code("scene.caches"), "BACKGROUND_S", 0.0)
    steps = begun(code, scene, cache_settings, format=kind)
    told = [next(steps).fraction for _step in range(4)]
    assert told == sorted(told) and 0 < told[-1] < 1
    assert cached_mesh.modifiers["Subdivision"].show_viewport  # between steps the user sees all
    assert scene.frame_current != 3
    steps.close()
    assert scene.frame_current == 3
    assert list(tmp_path.iterdir()) == []


def test_what_goes_meanwhile_ends_it(
    tmp_path, scene, cached_mesh, cache_settings, code, monkeypatch
):
    monkeypatch.setattr(code("scene.caches"), "BACKGROUND_S", 0.0)
    steps = begun(code, scene, cache_settings)
    next(steps)
    bpy.data.objects.remove(cached_mesh)
    with pytest.raises(code("core.errors").Cancelled, match="'Tête 1' no longer exists"):
        list(steps)
    assert list(tmp_path.iterdir()) == []


def test_a_number_of_vertices_that_changes_is_told(tmp_path, scene, cached_mesh, cache_settings):
    build = cached_mesh.modifiers.new("Build", "BUILD")
    build.frame_start, build.frame_duration = 1, 40
    with pytest.raises(RuntimeError, match=r"'Tête 1' has \d+ vertices at frame 6, \d+ at frame 5"):
        export(cache_settings, "USD", leave_out=False)
    assert list(tmp_path.iterdir()) == []
    assert export(cache_settings, "USD", leave_out=True) == ["私の line.usdc"]


def test_nodes_that_add_vertices_are_left_out_too(tmp_path, cached_mesh, cache_settings):
    group = bpy.data.node_groups.new("Twice", "GeometryNodeTree")
    for way in ("INPUT", "OUTPUT"):
        group.interface.new_socket("Geometry", in_out=way, socket_type="NodeSocketGeometry")
    start, end = (group.nodes.new(f"NodeGroup{way}") for way in ("Input", "Output"))
    join = group.nodes.new("GeometryNodeJoinGeometry")
    line = group.nodes.new("GeometryNodeMeshLine")
    for source in (start, line):
        group.links.new(source.outputs[0], join.inputs[0])
    group.links.new(join.outputs[0], end.inputs[0])
    cached_mesh.modifiers.new("Twice", "NODES").node_group = group
    wanted = caged(cached_mesh)
    export(cache_settings, "PC2")
    found = read_pc2(tmp_path / "私の line.pc2").points
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert cached_mesh.modifiers["Twice"].show_viewport


def test_a_folder_that_is_not_there_is_named(cached_mesh, cache_settings):
    cache_settings.id_data.facewright.exports.directory = "/nowhere/at all"
    with pytest.raises(RuntimeError, match="/nowhere/at all does not exist"):
        bpy.ops.facewright.export_caches()
