# SPDX-License-Identifier: GPL-3.0-or-later
"""What is saved carries the animation: read back by Blender and by USD's own library."""

from __future__ import annotations

import json
from fractions import Fraction

import bpy
import numpy as np
import pytest

FRAMES = 24


@pytest.fixture
def exports(code):
    return code("scene.exports")


@pytest.fixture
def head(code, scene):
    bpy.ops.facewright.add_head()
    return code("scene.characters").find_character(scene.facewright.characters[-1].skin)


@pytest.fixture
def content(exports, scene, head, make_track, write, code):
    """A take on the template head, in a scene with something else in it."""
    other = bpy.data.objects.new("Other", bpy.data.meshes.new("Other"))
    scene.collection.objects.link(other)
    rate = code("scene.rates").scene_rate(scene)
    track = make_track(FRAMES, rate)
    write(head.face, track, 10)
    return exports.Exported(scene, head.members, 10, 9 + FRAMES, track, "/voices/line.wav")


def saved(exports, content, path):
    (checked,) = exports.check_outputs([str(path)])
    notices = exports.save(checked, content)
    assert [found.name for found in path.parent.iterdir()] == [path.name], "and nothing beside it"
    return notices


@pytest.fixture
def usd():
    if not hasattr(bpy.utils, "expose_bundled_modules"):
        pytest.skip("this Blender hands out no pxr")
    bpy.utils.expose_bundled_modules()
    return pytest.importorskip("pxr.Usd"), pytest.importorskip("pxr.UsdSkel")


def poses_of(stage, skel) -> dict[str, tuple[list[float], np.ndarray]]:
    """Times and values by pose, of every animation in a stage."""
    found = {}
    for prim in stage.Traverse():
        if prim.IsA(skel.Animation):
            animation = skel.Animation(prim)
            attribute = animation.GetBlendShapeWeightsAttr()
            times = attribute.GetTimeSamples()
            values = np.array([attribute.Get(time) for time in times])
            for column, name in enumerate(animation.GetBlendShapesAttr().Get()):
                found.setdefault(name, (times, values[:, column]))
    return found


@pytest.mark.parametrize(("fps", "base"), [(30, 1.0), (24, 1.001)])
@pytest.mark.parametrize("suffix", [".usdc", ".usd"])
def test_usd_equals_the_json(scene, usd, exports, head, request, tmp_path, fps, base, suffix):
    scene.render.fps, scene.render.fps_base = fps, base
    content = request.getfixturevalue("content")
    assert "Subdivision" in {modifier.name for modifier in head.face.modifiers}
    path = tmp_path / "usd" / f"tête{suffix}"
    path.parent.mkdir()
    saved(exports, content, path)
    stage = usd[0].Stage.Open(str(path))
    rate = float(Fraction(fps) / Fraction(base).limit_denominator(1001))
    assert stage.GetFramesPerSecond() == pytest.approx(rate, rel=1e-9)
    assert stage.GetTimeCodesPerSecond() == pytest.approx(rate, rel=1e-9)
    assert (stage.GetStartTimeCode(), stage.GetEndTimeCode()) == (10, 9 + FRAMES)
    poses = poses_of(stage, usd[1])
    names = list(content.face.names)
    assert set(poses) == set(names)
    weights = path.with_name("weights.json")
    exports.save(weights, content)
    written = np.array(json.loads(weights.read_text(encoding="utf-8"))["weightMat"])
    for name, (times, values) in poses.items():
        assert list(times) == list(range(10, 10 + FRAMES))
        np.testing.assert_allclose(values, written[:, names.index(name)], atol=1e-3)
    meshes = [prim.GetName() for prim in stage.Traverse() if prim.GetTypeName() == "Mesh"]
    assert len(meshes) == 8
    assert not [name for name in meshes if "Other" in name]


def test_blender_reads_its_usd_again(exports, content, tmp_path):
    path = tmp_path / "usd" / "a.usdc"
    path.parent.mkdir()
    saved(exports, content, path)
    track = content.face
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    bpy.ops.wm.usd_import(filepath=str(path))
    keys = next(k for k in bpy.data.shape_keys if "jawForward" in k.key_blocks).key_blocks
    bpy.context.scene.frame_set(15)
    shown = [keys[name].value for name in track.names[:52]]
    np.testing.assert_allclose(shown, track.weights[5, :52], atol=1e-3)


def test_usd_has_the_jaws_and_eyes_motion(usd, exports, content, tmp_path):
    path = tmp_path / "usd" / "a.usdc"
    path.parent.mkdir()
    saved(exports, content, path)
    stage = usd[0].Stage.Open(str(path))
    moving = {
        prim.GetName()
        for prim in stage.Traverse()
        for attribute in prim.GetAttributes()
        if attribute.GetName().startswith("xformOp") and attribute.GetNumTimeSamples() == FRAMES
    }
    assert len(moving) == 3, moving


def test_fbx_comes_back_with_moving_keys(exports, content, tmp_path):
    path = tmp_path / "fbx" / "tête.fbx"
    path.parent.mkdir()
    saved(exports, content, path)
    track = content.face
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    scene = bpy.context.scene
    scene.render.fps = 30
    bpy.ops.import_scene.fbx(filepath=str(path))
    keys = next(k for k in bpy.data.shape_keys if "jawForward" in k.key_blocks).key_blocks
    errors = []
    for frame in (0, 11, FRAMES - 1):
        scene.frame_set(11 + frame)  # the importer puts everything one frame later
        for column, name in enumerate(track.names[:52]):
            errors.append(abs(keys[name].value - track.weights[frame, column]))
    assert max(errors) < 1e-3
    moving = [obj.name for obj in bpy.data.objects if obj.animation_data]
    assert any("Lower Denture" in name for name in moving)
    assert sum("Eye" in name for name in moving) == 2


def test_the_blend_opens_with_the_animation(exports, content, tmp_path):
    path = tmp_path / "blend" / "a.blend"
    path.parent.mkdir()
    saved(exports, content, path)
    assert bpy.data.filepath == ""  # a copy: the user's file stays the one that is open
    track = content.face
    bpy.ops.wm.open_mainfile(filepath=str(path))
    bpy.context.scene.frame_set(15)
    keys = next(k for k in bpy.data.shape_keys if "jawForward" in k.key_blocks).key_blocks
    shown = [keys[name].value for name in track.names[:52]]
    np.testing.assert_allclose(shown, track.weights[5, :52], atol=1e-6)


def test_saving_leaves_the_scene_as_it_was(scene, exports, content, tmp_path, scene_state):
    scene.frame_start, scene.frame_end = 3, 77
    other = bpy.data.objects["Other"]
    bpy.context.view_layer.objects.active = other
    other.select_set(True)
    before, selected = scene_state(), list(bpy.context.selected_objects)
    for suffix in (".usdc", ".fbx", ".blend", ".json"):
        exports.save(tmp_path / f"a{suffix}", content)
    assert scene_state() == before
    assert bpy.context.view_layer.objects.active == other
    assert list(bpy.context.selected_objects) == selected
    assert (scene.frame_start, scene.frame_end) == (3, 77)


def test_a_failed_export_keeps_the_old_file(code, exports, content, head, tmp_path):
    path = tmp_path / "a.usdc"
    path.write_bytes(b"old")
    head.face.hide_set(True)
    with pytest.raises(code("core.errors").UserError, match="is hidden"):
        exports.save(path, content)
    assert path.read_bytes() == b"old"
    assert [found.name for found in tmp_path.iterdir()] == ["a.usdc"]


@pytest.mark.parametrize(
    ("name", "words"),
    [("x.gif", "ending"), ("x", "ending"), ("none/x.json", "does not exist")],
)
def test_bad_places_are_refused_before_any_work(code, exports, tmp_path, name, words):
    with pytest.raises(code("core.errors").UserError, match=words):
        exports.check_outputs([str(tmp_path / name)])
    assert not list(tmp_path.iterdir())
