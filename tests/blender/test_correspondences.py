# SPDX-License-Identifier: GPL-3.0-or-later
"""Pairs without a window: added by place, mirrored, selected, checked, saved, loaded, refused."""

from __future__ import annotations

import json
from types import SimpleNamespace

import bmesh
import bpy
import numpy as np
import pytest
from layouts import Layout
from mathutils import Matrix

OPS = bpy.ops.facewright
TURN = Matrix.Rotation(0.7, 4, "Z") @ Matrix.Rotation(0.2, 4, "X")


@pytest.fixture(scope="session")
def asset(code):
    """The built-in head's arrays."""
    return code("core.head").load_head(code("scene.template_head").ASSET)


@pytest.fixture
def heads(code, scene, asset):
    """The built-in head's skin, and as target the same with other vertex numbers, larger, turned
    and stretched; ``order`` is where the target's vertices come from."""
    parts, template = code("scene.head_parts"), code("scene.template_head")
    skin = parts.add_part(asset.skin, template.NAME, np.zeros(3), scene.collection)
    skin[code("scene.joints").PART] = "skin"
    names = list(asset.skin.shape_names)
    moves = asset.skin.shapes[names.index("jawOpen")] * code("core.head").OPEN_MOUTH_AMOUNT
    mesh = parts.new_mesh("OpenMouth", asset.skin, parts.local(asset.skin.vertices + moves))
    opened = bpy.data.objects.new("OpenMouth", mesh)
    scene.collection.objects.link(opened)
    opened.hide_viewport = True
    target, order = _shuffled(skin, scene)
    target.matrix_world = Matrix.Translation((1, 2, 3)) @ TURN @ Matrix.Scale(12.0, 4)
    transfer = scene.facewright.add_transfer("Sample")
    transfer.driver, transfer.open_mouth, transfer.target = skin, opened, target
    bpy.context.view_layer.update()
    return SimpleNamespace(transfer=transfer, target=target, order=order, skin=skin)


def _shuffled(skin, scene):
    mesh = bmesh.new()
    mesh.from_mesh(skin.data)
    order = np.random.default_rng(5).permutation(len(mesh.verts))
    for vertex, place in zip(mesh.verts, order, strict=True):
        vertex.index = int(place)
    mesh.verts.sort()
    new = bpy.data.meshes.new("Target")
    mesh.to_mesh(new)
    mesh.free()
    new.transform(Matrix.Diagonal((1.08, 0.95, 1.0, 1.0)))
    obj = bpy.data.objects.new("Target", new)
    scene.collection.objects.link(obj)
    return obj, np.argsort(order)


@pytest.fixture
def five(code, heads):
    """Five pairs at the right places, in the order of the list."""
    for name in ("Chin", "Nose tip", "Crown", "Left brow", "Right brow"):
        assert OPS.add_pair(name=name, target_point=_goal(code, heads, name)) == {"FINISHED"}
    return heads


def _spot(code, heads, name):
    return code("scene.correspondence_picking").hints_for(heads.transfer.driver)[name]


def _goal(code, heads, name):
    """Where a point of the driver lies on the target, in the world."""
    places = np.argsort(heads.order)[_spot(code, heads, name).corners]
    local = heads.target.data.vertices[int(places[0])].co
    return heads.target.matrix_world @ local


def _places(code, heads, side):
    module = code("scene.correspondences")
    obj = module.mesh_of(heads.transfer, side)
    return module.standing(obj, module.points_of(heads.transfer, side))


def test_pairs_stick_to_both_surfaces_where_they_were_put(code, five):
    transfer = five.transfer
    assert [pair.name for pair in transfer.pairs][:2] == ["Chin", "Nose tip"]
    found = _places(code, five, "target")
    for pair, place in zip(transfer.pairs, found.points, strict=True):
        np.testing.assert_allclose(place, _goal(code, five, pair.name), atol=1e-4)
    turned = Matrix.Rotation(1.0, 4, "Y")
    five.target.matrix_world = turned @ five.target.matrix_world
    moved = _places(code, five, "target").points
    np.testing.assert_allclose(moved, found.points @ np.array(turned)[:3, :3].T, atol=1e-5)
    driver = _places(code, five, "driver")
    rest = np.array([five.transfer.open_mouth.data.vertices[v].co for v in _chin(code, five)])
    np.testing.assert_allclose(driver.points[0], rest.mean(axis=0), atol=1e-6)
    assert driver.there.all()


def _chin(code, heads):
    return [int(corner) for corner in _spot(code, heads, "Chin").corners]


def test_normals_look_outwards_also_where_the_mesh_is_mirrored(code, five):
    out = _places(code, five, "target")
    middle = np.array(five.target.matrix_world.translation)
    assert (((out.points - middle) * out.normals).sum(axis=1) > 0).all()
    five.target.scale = (-12.0, 12.0, 30.0)
    out = _places(code, five, "target")
    assert (((out.points - middle) * out.normals).sum(axis=1) > 0).all()
    np.testing.assert_allclose(np.linalg.norm(out.normals, axis=1), 1, atol=1e-5)


def test_the_other_side_is_added_too_by_the_meshes_own_symmetry(code, heads):
    heads.target.matrix_world = Matrix.Translation((1, 2, 3)) @ Matrix.Scale(-12.0, 4)
    names = ("Left mouth corner", "Right nose wing", "Nose tip")
    for name in names:
        OPS.add_pair(name=name, target_point=_goal(code, heads, name), mirrored=True)
    pairs = heads.transfer.pairs
    assert sorted(pair.name for pair in pairs) == sorted(
        (*names, "Right mouth corner", "Left nose wing")
    )
    found = _places(code, heads, "target").points
    size = max(heads.target.dimensions)
    for pair, place in zip(pairs, found, strict=True):
        goal = np.array(_goal(code, heads, pair.name))
        assert np.linalg.norm(place - goal) < 0.01 * size, pair.name
    OPS.add_pair(
        name="Right nose wing",
        driver_point=(0.1, 0, 0),
        target_point=_goal(code, heads, "Right nose wing"),
        mirrored=True,
    )
    assert len(pairs) == 6  # the other side has it already
    assert pairs[-1].name == "Right nose wing 2"


def test_what_is_not_known_is_asked_for(heads):
    with pytest.raises(RuntimeError, match="'Ear' lies on the driver is not known"):
        OPS.add_pair(name="Ear", target_point=(0, 0, 0))
    assert len(heads.transfer.pairs) == 0


def test_the_list_selects_with_shift_and_ctrl(five):
    transfer = five.transfer

    def chosen():
        return [place for place, pair in enumerate(transfer.pairs) if pair.select]

    OPS.select_pair(place=1)
    assert chosen() == [1] and transfer.active_pair == 1
    OPS.select_pair(place=3, how="RANGE")
    assert chosen() == [1, 2, 3] and transfer.active_pair == 1
    OPS.select_pair(place=2, how="TOGGLE")
    assert chosen() == [1, 3]
    OPS.select_pair(place=4, how="TOGGLE")
    assert chosen() == [1, 3, 4] and transfer.active_pair == 4
    transfer.active_pair = 0  # a click beside the names
    assert chosen() == [0]
    transfer.pairs[0].select = False
    assert not OPS.delete_pairs.poll()
    OPS.select_pair(place=1)
    OPS.select_pair(place=3, how="TOGGLE")
    assert OPS.delete_pairs() == {"FINISHED"}
    assert [pair.name for pair in transfer.pairs] == ["Chin", "Crown", "Right brow"]
    assert OPS.clear_pairs() == {"FINISHED"}
    assert not len(transfer.pairs) and not transfer.target_hash
    assert not OPS.clear_pairs.poll()


def test_exchanged_sides_stand_out(code, five):
    eyes = ("Left inner eye corner", "Right inner eye corner")
    for name in ("Nose root", "Left jaw side", "Right jaw side", *eyes, "Lower lip", "Upper lip"):
        OPS.add_pair(name=name, target_point=_goal(code, five, name))
    module = code("scene.correspondences")
    assert not module.checked(five.transfer).bad.any()
    pairs = {pair.name: pair for pair in five.transfer.pairs}
    left, right = pairs["Left jaw side"], pairs["Right jaw side"]
    spots = [module.spot_of(pair, "target") for pair in (left, right)]
    module.set_spot(left, "target", spots[1])
    module.set_spot(right, "target", spots[0])
    found = module.checked(five.transfer)
    names = [pair.name for pair in five.transfer.pairs]
    assert {names[place] for place in np.flatnonzero(found.swapped)} == {left.name, right.name}
    shown = _panel(code)
    assert "2 pairs do not agree with the others" in shown
    assert "Left jaw side, Right jaw side" in shown


def _panel(code):
    """All that the panel shows now."""
    texts: list[str] = []
    panel = code("panels.correspondences")
    context = SimpleNamespace(
        scene=bpy.context.scene, region=None, preferences=bpy.context.preferences, mode="OBJECT"
    )
    panel.FACEWRIGHT_PT_correspondences.draw(SimpleNamespace(layout=Layout(texts)), context)
    transfer = bpy.context.scene.facewright.transfer
    for place, pair in enumerate(transfer.pairs):
        panel.FACEWRIGHT_UL_pairs.draw_item(
            SimpleNamespace(), bpy.context, Layout(texts), transfer, pair, 0, transfer, "", place
        )
    return " ".join(texts)


def test_the_panel_counts_and_says_why_it_is_grey(code, five):
    shown = _panel(code)
    assert "5 of 31 pairs, at least 12" in shown
    assert "Nose tip" in shown and " cm" in shown
    five.transfer.open_mouth = None
    assert "Choose the OpenMouth mesh" in _panel(code)
    for name in ("add_pair", "load_setup", "save_setup", "setup_apply", "setup_add"):
        assert not getattr(OPS, name).poll(), name


def test_a_saved_setup_gives_the_same_pairs_again(code, five, tmp_path):
    transfer = five.transfer
    transfer.iterations, transfer.stiffness, transfer.smooth_level = 5, 250.0, 2
    path = tmp_path / "mein kopf"
    assert OPS.save_setup(filepath=str(path)) == {"FINISHED"}
    (written,) = tmp_path.iterdir()
    assert written.name == "mein kopf.json"
    before = _plain(transfer)
    OPS.clear_pairs()
    transfer.iterations, transfer.stiffness, transfer.smooth_level = 3, 100.0, 1
    five.target.matrix_world = Matrix.Identity(4)  # where a mesh stands does not matter
    assert OPS.load_setup(filepath=str(written)) == {"FINISHED"}
    assert _plain(transfer) == before
    assert (transfer.iterations, transfer.stiffness, transfer.smooth_level) == (5, 250.0, 2)


def _plain(transfer):
    return [
        (pair.name, tuple(pair.driver_corners), tuple(pair.target_corners),
         tuple(round(share, 6) for share in (*pair.driver_shares, *pair.target_shares)))
        for pair in transfer.pairs
    ]  # fmt: skip


def test_a_setup_for_another_target_is_refused_and_changes_nothing(code, five, tmp_path, scene):
    path = tmp_path / "x.json"
    OPS.save_setup(filepath=str(path))
    before = _plain(five.transfer)
    other = bpy.data.objects.new("Other", bpy.data.meshes.new("Other"))
    scene.collection.objects.link(other)
    shape = bmesh.new()
    bmesh.ops.create_icosphere(shape, subdivisions=2, radius=1.0)
    shape.to_mesh(other.data)
    shape.free()
    five.transfer.target = other
    with pytest.raises(RuntimeError, match=r"fits the driver, but not the target.*Choose that"):
        OPS.load_setup(filepath=str(path))
    assert _plain(five.transfer) == before
    # Nor are pairs added to those of another mesh
    with pytest.raises(RuntimeError, match="The target is another mesh than the pairs were picked"):
        OPS.add_pair(name="Crown", target_point=(0, 0, 0))
    five.transfer.target = five.target
    path.write_text(path.read_text("utf-8")[:200], "utf-8")
    with pytest.raises(RuntimeError, match=r"x\.json is not valid JSON"):
        OPS.load_setup(filepath=str(path))
    assert _plain(five.transfer) == before


def test_an_open_mouth_of_another_topology_is_refused(five, scene):
    wrong, _ = _shuffled(five.transfer.open_mouth, scene)
    five.transfer.open_mouth = wrong
    with pytest.raises(RuntimeError, match="another topology than the driver"):
        OPS.add_pair(name="x", driver_point=(0, 0, 0), target_point=(0, 0, 0))


def test_setups_of_ones_own_are_kept_in_the_menu(code, five, tmp_path, monkeypatch):
    own = tmp_path / "pairs"
    own.mkdir()
    monkeypatch.setattr(code("operators.correspondence_files"), "user_folder", lambda _n="": own)
    assert OPS.setup_add(name="Mine: 1/2") == {"FINISHED"}
    (path,) = own.iterdir()
    assert json.loads(path.read_text("utf-8"))["target"]["mesh"] == "Target"
    texts: list[str] = []
    menu = code("panels.correspondences").FACEWRIGHT_MT_setups
    menu.draw(SimpleNamespace(layout=Layout(texts)), bpy.context)
    assert path.stem in texts
    before = _plain(five.transfer)
    OPS.clear_pairs()
    assert OPS.setup_apply(name=path.stem) == {"FINISHED"}
    assert _plain(five.transfer) == before
    assert OPS.setup_remove(name=path.stem) == {"FINISHED"}
    with pytest.raises(RuntimeError, match="There is no setup"):
        OPS.setup_apply(name=path.stem)


def test_the_shipped_setup_fits_the_sample_target(code, scene, heads):
    heads.transfer.target = code("scene.sample_target").add_sample_target(scene.collection)["skin"]
    shipped, _own = code("operators.correspondence_files").setup_names()
    assert "Sample Target" in shipped
    assert OPS.setup_apply(name="Sample Target") == {"FINISHED"}
    assert len(heads.transfer.pairs) == 31
    assert not code("scene.correspondences").checked(heads.transfer).bad.any()


def test_pairs_of_a_mesh_that_lost_vertices_are_drawn_nowhere(code, five):
    mesh = bmesh.new()
    bmesh.ops.create_cube(mesh)
    mesh.to_mesh(five.target.data)
    mesh.free()
    assert not _places(code, five, "target").there.all()
    assert code("scene.correspondences").checked(five.transfer).bad.any()
    _panel(code)
