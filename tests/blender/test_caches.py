# SPDX-License-Identifier: GPL-3.0-or-later
"""Geometry caches of a scene: read back by Blender's importers and by readers that know nothing of
ours, and compared with what the scene shows."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import bpy
import numpy as np
import pytest
from cache_readers import read_maya, read_mdd, read_obj, read_pc2
from cache_scenes import CM, FIRST, FRAMES, LAST, caged, make_face, shown
from layouts import Layout


@pytest.fixture
def face(scene):
    return make_face(scene)


@pytest.fixture
def chosen(scene, tmp_path):
    """The settings of the panel, with a folder of their own."""
    exports = scene.facewright.exports
    exports.directory, exports.file_name = str(tmp_path), "私の line"
    return scene.facewright.caches


def export(chosen, kind, **options):
    chosen.format = kind
    for name, value in options.items():
        setattr(chosen, name, value)
    before = bpy.context.scene.frame_current
    assert bpy.ops.facewright.export_caches() == {"FINISHED"}
    assert bpy.context.scene.frame_current == before
    return sorted(path.name for path in Path(chosen.id_data.facewright.exports.directory).iterdir())


READERS = {
    "PC2": (".pc2", read_pc2, np.eye(3)),
    "MDD": (".mdd", read_mdd, np.eye(3)),
    "MC": (".xml", read_maya, CM),
    "MCX": (".xml", read_maya, CM),
}


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize("space", ["OBJECT", "WORLD"])
def test_caches_of_one_mesh(tmp_path, face, chosen, kind, space):
    ending, read, turn = READERS[kind]
    wanted = caged(face, world=space == "WORLD") @ turn.T
    names = export(chosen, kind, space=space)
    assert f"私の line{ending}" in names
    found = read(tmp_path / f"私の line{ending}")
    np.testing.assert_allclose(found.points, wanted, rtol=1e-5, atol=1e-5)
    assert face.modifiers["Subdivision"].show_viewport


def test_the_evaluated_mesh_on_request(tmp_path, face, chosen):
    export(chosen, "PC2", leave_out=False)
    wanted = [shown(face, frame) for frame in FRAMES]
    np.testing.assert_allclose(read_pc2(tmp_path / "私の line.pc2").points, wanted, atol=1e-5)


@pytest.mark.parametrize("fps", [60.0, 23.976])
def test_another_frame_rate_is_that_of_the_moments(tmp_path, scene, face, chosen, fps):
    exports = scene.facewright.exports
    exports.use_scene_fps, exports.fps = False, fps
    rate = {60.0: Fraction(60), 23.976: Fraction(24000, 1001)}[fps]
    count = int((LAST - FIRST) * rate / 30) + 1
    export(chosen, "PC2")
    found = read_pc2(tmp_path / "私の line.pc2")
    assert list(found.times) == list(range(FIRST, FIRST + count))
    wanted = caged(face, [FIRST + place * 30 / float(rate) for place in range(count)])
    np.testing.assert_allclose(found.points, wanted, atol=1e-5)


# ---- Blender's own readers ----------------------------------------------------------------------


def add_tooth(face):
    """A second mesh that hangs on the face."""
    bpy.ops.mesh.primitive_uv_sphere_add(segments=8, ring_count=5, location=(0, 0, 1))
    tooth = bpy.context.object
    tooth.name, tooth.parent = "歯", face
    return tooth


def compare_import(path, meshes, wanted, importer, atol=1e-5):
    """All frames of all imported meshes, in the world."""
    before = set(bpy.data.objects)
    importer(filepath=str(path))
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = 30, 1.0  # importers take the file's
    new = [obj for obj in bpy.data.objects if obj not in before and obj.type == "MESH"]
    assert len(new) == meshes
    for place, frame in enumerate(FRAMES):
        found = {len(points): points for points in (shown(obj, frame, True) for obj in new)}
        for points in wanted:
            np.testing.assert_allclose(found[points.shape[1]], points[place], atol=atol)
    for obj in new:
        assert not obj.data.materials and not obj.data.uv_layers


@pytest.mark.parametrize("kind", ["USD", "USD_MAYA"])
def test_blender_imports_its_usd(tmp_path, face, chosen, code, kind):
    if not code("scene.versions").has_usd():
        pytest.skip("this Blender has no USD")
    tooth = add_tooth(face)
    wanted = [caged(obj, world=True) for obj in (face, tooth)]
    assert export(chosen, kind) == ["私の line_cache.usdc"]
    options = {"apply_unit_conversion_scale": True}
    known = bpy.ops.wm.usd_import.get_rna_type().properties
    if kind == "USD_MAYA" and "apply_unit_conversion_scale" not in known:
        pytest.skip("this Blender does not convert units")

    def importer(filepath):
        bpy.ops.wm.usd_import(
            filepath=filepath, **{name: value for name, value in options.items() if name in known}
        )

    compare_import(tmp_path / "私の line_cache.usdc", 2, wanted, importer)


def test_blender_imports_its_alembic(tmp_path, face, chosen):
    tooth = add_tooth(face)
    wanted = [caged(obj, world=True) for obj in (face, tooth)]
    assert export(chosen, "ALEMBIC") == ["私の line_cache.abc"]
    assert face.modifiers["Subdivision"].show_viewport
    compare_import(tmp_path / "私の line_cache.abc", 2, wanted, bpy.ops.wm.alembic_import)


def test_alembic_has_the_scenes_frame_rate_alone(tmp_path, scene, face, chosen):
    scene.facewright.exports.use_scene_fps = False
    chosen.format = "ALEMBIC"
    with pytest.raises(RuntimeError, match="Alembic at the scene's frame rate only"):
        bpy.ops.facewright.export_caches()
    assert list(tmp_path.iterdir()) == []


# ---- playing, neutral meshes --------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PC2", "MDD"])
@pytest.mark.parametrize("space", ["OBJECT", "WORLD"])
@pytest.mark.parametrize("leave_out", [True, False])
def test_a_copy_plays_the_file(scene, face, chosen, kind, space, leave_out):
    wanted = [shown(face, frame, True) for frame in FRAMES]
    scene.frame_set(3)
    for _again in range(2):  # a second export replaces the copy
        face.hide_set(False)
        chosen.mesh_filter, chosen.pattern = "NAME", "Tête 1"
        for obj in scene.objects:
            obj.facewright_cache.use = obj == face
        export(chosen, kind, space=space, leave_out=leave_out, play=True)
    copy = bpy.data.objects["Tête 1_cache"]
    assert [obj.name for obj in scene.objects] == ["Tête 1", "Tête 1_cache"]
    assert not face.visible_get() and face.hide_render and copy.visible_get()
    assert copy.data.shape_keys is None
    assert face.facewright_cache.use and not copy.facewright_cache.use
    for place, frame in enumerate(FRAMES):
        np.testing.assert_allclose(shown(copy, frame, True), wanted[place], atol=2e-5)


def test_the_neutral_head_is_the_template_in_the_caches_order(tmp_path, scene, code, chosen):
    bpy.ops.facewright.add_head()
    skin = scene.facewright.characters[-1].skin
    skin.data.shape_keys.key_blocks["jawOpen"].value = 1.0
    skin.location = (0, 0, 1)
    scene.frame_start = scene.frame_end = 1
    chosen.mesh_filter, chosen.pattern = "NAME", skin.name
    for obj in scene.objects:
        obj.facewright_cache.use = obj == skin
    assert export(chosen, "MC", neutral=True) == [
        "私の line.mc", "私の line.xml", "私の line_neutral.obj"
    ]  # fmt: skip
    part = code("core.head").load_head(code("scene.template_head").ASSET).skin
    points, faces = read_obj(tmp_path / "私の line_neutral.obj")
    np.testing.assert_allclose(points, part.vertices, atol=1e-4)
    assert faces == [[corner for corner in each if corner >= 0] for each in part.faces.tolist()]
    opened = part.vertices + part.shapes[part.shape_names.index("jawOpen")]
    cache = read_maya(tmp_path / "私の line.xml")
    np.testing.assert_allclose(cache.points[0], opened, atol=1e-4)


def test_neutral_and_evaluated_vertices_exclude_each_other(tmp_path, face, chosen):
    chosen.neutral, chosen.leave_out = True, False
    with pytest.raises(RuntimeError, match="Switch No Subdivision on"):
        bpy.ops.facewright.export_caches()
    assert list(tmp_path.iterdir()) == []


# ---- which meshes -------------------------------------------------------------------------------


def test_the_filter(scene, face, chosen):
    tooth = add_tooth(face)
    operators = sys.modules[type(chosen).__module__.replace("properties", "operators")]
    names = {obj.name for obj in operators.listed(bpy.context)}
    assert names == {"Tête 1", "歯"}
    for obj in scene.objects:
        obj.select_set(obj == tooth)
    chosen.mesh_filter = "SELECTED"
    assert operators.listed(bpy.context) == [tooth]
    chosen.mesh_filter = "NAME"
    for pattern, found in (("tête", [face]), ("t*1", [face]), ("t*2", []), ("?", [tooth])):
        chosen.pattern = pattern
        assert operators.listed(bpy.context) == found, pattern
    chosen.mesh_filter = "VISIBLE"
    tooth.hide_set(True)
    assert operators.listed(bpy.context) == [face]
    bpy.ops.facewright.tick_caches(use=False)
    assert operators.ticked(bpy.context) == []
    assert tooth.facewright_cache.use  # it is not in the list
    bpy.ops.facewright.tick_caches(use=True)
    assert operators.ticked(bpy.context) == [face]


def test_grey_buttons_say_why(scene, face, chosen, code):
    reason = code("operators.caches").FACEWRIGHT_OT_export_caches.disabled_reason
    assert reason(bpy.context) == ""
    face.facewright_cache.use = False
    assert "No mesh is ticked" in reason(bpy.context)
    face.facewright_cache.use = True
    chosen.mesh_filter = "NAME"
    face.hide_set(True)
    assert "hidden" in reason(bpy.context)
    face.hide_set(False)
    bpy.context.view_layer.objects.active = face
    bpy.ops.object.mode_set(mode="EDIT")
    assert "edit mode" in reason(bpy.context)


def test_the_mesh_that_a_result_stands_for_is_warned_of(tmp_path, face, chosen, code):
    face[code("core.retarget.marks").HIDDEN] = "id"
    texts: list[str] = []
    panel = code("panels.caches").FACEWRIGHT_PT_caches
    panel.draw(SimpleNamespace(layout=Layout(texts)), bpy.context)
    assert "'Tête 1_result'" in " ".join(texts)
    export(chosen, "PC2")
    state = code("properties.progress").STATE
    assert "The copy 'Tête 1_result' moves, 'Tête 1' does not" in state.notices[0]


def test_the_panel_draws_every_format(face, chosen, code):
    panel, rows = code("panels.caches").FACEWRIGHT_PT_caches, code("panels.caches")
    for kind in code("core.exchange.caches").FORMATS:
        texts: list[str] = []
        chosen.format = kind
        panel.draw(SimpleNamespace(layout=Layout(texts)), bpy.context)
        assert ("channel" in texts) == (kind in ("MC", "MCX"))
        assert ("play" in texts) == (kind in ("PC2", "MDD"))
        assert "Export Geometry Cache" in texts
    rows.FACEWRIGHT_UL_cached_meshes.draw_item(
        SimpleNamespace(), bpy.context, Layout(texts), None, face, 0, None, ""
    )
    assert "Tête 1" in texts


# ---- what goes wrong ----------------------------------------------------------------------------


def begun(code, scene, chosen, **changes):
    """The steps of an export, as a window takes them."""
    operator = code("operators.caches").FACEWRIGHT_OT_export_caches
    for name, value in changes.items():
        setattr(chosen, name, value)
    return operator.steps(SimpleNamespace(), bpy.context)


@pytest.mark.parametrize("kind", ["USD", "MC", "PC2"])
def test_cancelling_leaves_nothing(tmp_path, scene, face, chosen, code, kind, monkeypatch):
    monkeypatch.setattr(code("scene.caches"), "BACKGROUND_S", 0.0)
    steps = begun(code, scene, chosen, format=kind)
    told = [next(steps).fraction for _step in range(4)]
    assert told == sorted(told) and 0 < told[-1] < 1
    assert face.modifiers["Subdivision"].show_viewport  # between steps the user sees all
    assert scene.frame_current != 3
    steps.close()
    assert scene.frame_current == 3
    assert list(tmp_path.iterdir()) == []


def test_what_goes_meanwhile_ends_it(tmp_path, scene, face, chosen, code, monkeypatch):
    monkeypatch.setattr(code("scene.caches"), "BACKGROUND_S", 0.0)
    steps = begun(code, scene, chosen)
    next(steps)
    bpy.data.objects.remove(face)
    with pytest.raises(code("core.errors").Cancelled, match="'Tête 1' no longer exists"):
        list(steps)
    assert list(tmp_path.iterdir()) == []


def test_a_number_of_vertices_that_changes_is_told(tmp_path, scene, face, chosen):
    build = face.modifiers.new("Build", "BUILD")
    build.frame_start, build.frame_duration = 1, 40
    with pytest.raises(RuntimeError, match=r"'Tête 1' has \d+ vertices at frame 6, \d+ at frame 5"):
        export(chosen, "USD", leave_out=False)
    assert list(tmp_path.iterdir()) == []
    assert export(chosen, "USD", leave_out=True) == ["私の line_cache.usdc"]


def test_nodes_that_add_vertices_are_left_out_too(tmp_path, face, chosen):
    group = bpy.data.node_groups.new("Twice", "GeometryNodeTree")
    for way in ("INPUT", "OUTPUT"):
        group.interface.new_socket("Geometry", in_out=way, socket_type="NodeSocketGeometry")
    start, end = (group.nodes.new(f"NodeGroup{way}") for way in ("Input", "Output"))
    join = group.nodes.new("GeometryNodeJoinGeometry")
    line = group.nodes.new("GeometryNodeMeshLine")
    for source in (start, line):
        group.links.new(source.outputs[0], join.inputs[0])
    group.links.new(join.outputs[0], end.inputs[0])
    face.modifiers.new("Twice", "NODES").node_group = group
    wanted = caged(face)
    export(chosen, "PC2")
    found = read_pc2(tmp_path / "私の line.pc2").points
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert face.modifiers["Twice"].show_viewport


@pytest.mark.parametrize(
    ("kind", "space", "told"),
    [("MC", "OBJECT", True), ("PC2", "OBJECT", True), ("MC", "WORLD", False),
     ("USD", "OBJECT", False)],
)  # fmt: skip
def test_movement_as_an_object_that_is_left_out_is_told(face, chosen, code, kind, space, told):
    tooth = bpy.data.objects.new("Tooth", face.data.copy())
    tooth.parent = face  # which moves
    bpy.context.scene.collection.objects.link(tooth)
    face.facewright_cache.use = False
    export(chosen, kind, space=space)
    notices = code("properties.progress").STATE.notices
    assert ("movement of 'Tooth' as an object is left out" in " ".join(notices)) == told
    tooth.parent, tooth.data.shape_keys.key_blocks[1].value = None, 0.5
    export(chosen, kind, space=space)
    assert "left out" not in " ".join(code("properties.progress").STATE.notices)


def test_a_folder_that_is_not_there_is_named(face, chosen):
    chosen.id_data.facewright.exports.directory = "/nowhere/at all"
    with pytest.raises(RuntimeError, match="/nowhere/at all does not exist"):
        bpy.ops.facewright.export_caches()
