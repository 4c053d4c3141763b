# SPDX-License-Identifier: GPL-3.0-or-later
"""Faces with their meshes as glTF, FBX and USD: read back by Blender's importers, with gains,
drivers, strips and armatures; and the weights-only layer of USD on a mesh."""

from __future__ import annotations

import json
import resource
import signal

import bpy
import numpy as np
import pytest
from gltf_validator import report_of
from makers import curves_of, face_rig, shaped_mesh

FIRST, FRAMES = 5, 30
NAMES = ("jawOpen", "eyeBlinkLeft", "eyeBlinkRight", "mouthSmileLeft")


@pytest.fixture
def weights(scene, tmp_path):
    """The panel's settings, with nothing ticked, and an empty folder to write to."""
    scene.facewright.exports.directory = str(tmp_path)
    scene.facewright.exports.file_name = "顔 mit Raum"
    scene.facewright.weights.json = False
    scene.frame_start, scene.frame_end = FIRST, FIRST + FRAMES - 1
    return scene.facewright.weights


@pytest.fixture
def face(scene):
    """One key moves by an action, one by a driver, one by a strip, one not at all."""
    obj = shaped_mesh("Face", list(NAMES))
    keys = obj.data.shape_keys.key_blocks
    for frame, value in ((FIRST, 0.1), (FIRST + 9, 0.9), (FIRST + FRAMES - 1, 0.2)):
        keys["mouthSmileLeft"].value = value
        keys["mouthSmileLeft"].keyframe_insert("value", frame=frame)
    data = obj.data.shape_keys.animation_data
    action, slot = data.action, getattr(data, "action_slot", None)
    strip = data.nla_tracks.new().strips.new("A", FIRST, action)
    if slot is not None:
        strip.action_slot = slot
    data.action = None
    for frame, value in ((FIRST, 0.0), (FIRST + FRAMES - 1, 1.0)):
        keys["jawOpen"].value = value
        keys["jawOpen"].keyframe_insert("value", frame=frame)
    keys["eyeBlinkLeft"].driver_add("value").driver.expression = "(frame % 10) / 10"
    keys["eyeBlinkRight"].value = 0.3
    bpy.context.view_layer.objects.active = obj
    return obj


def values_of(obj, first=FIRST):
    """What the keys show, frame by frame: (T, 4)."""
    rows = []
    for frame in range(first, first + FRAMES):
        bpy.context.scene.frame_set(frame)
        keys = obj.data.shape_keys.key_blocks
        rows.append([keys[name].value for name in NAMES])
    return np.array(rows)


def back(path, ending):
    """The face as Blender's importer reads it, and the frame where it begins."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    bpy.context.scene.render.fps = 30
    if ending == "glb":
        bpy.ops.import_scene.gltf(filepath=str(path))
    elif ending == "fbx":
        bpy.ops.import_scene.fbx(filepath=str(path))
    else:
        bpy.ops.wm.usd_import(filepath=str(path))
    obj = next(
        o for o in bpy.data.objects
        if o.type == "MESH" and o.data.shape_keys and "jawOpen" in o.data.shape_keys.key_blocks
    )  # fmt: skip
    # glTF begins at 0 s; FBX's times are the scene's, and its importer adds a frame
    return obj, {"glb": 0, "fbx": FIRST + 1, "usdc": FIRST}[ending]


@pytest.mark.parametrize("gains", [False, True])
@pytest.mark.parametrize("ending", ["glb", "fbx", "usdc"])
def test_it_comes_back_as_the_scene_showed_it(face, weights, scene_state, tmp_path, ending, gains):
    wanted = values_of(face)
    if gains:
        bpy.ops.facewright.gains_reset()
        weights.gains["jawOpen"].multiplier = 1.5  # beyond the slider's limit
        weights.gains["eyeBlinkLeft"].offset = 0.05
        weights.gains["mouthSmileLeft"].multiplier = 0.5
        wanted = wanted * (1.5, 1, 1, 0.5) + (0, 0.05, 0, 0)
    setattr(weights, ending, True)
    before, animated = scene_state(), values_of(face)
    ranges = [(b.slider_min, b.slider_max) for b in face.data.shape_keys.key_blocks]
    assert bpy.ops.facewright.export_weights() == {"FINISHED"}
    assert scene_state() == before
    np.testing.assert_array_equal(values_of(face), animated)
    assert [(b.slider_min, b.slider_max) for b in face.data.shape_keys.key_blocks] == ranges
    (path,) = tmp_path.iterdir()
    assert path.name == f"顔 mit Raum.{ending}"
    obj, first = back(path, ending)
    for block in obj.data.shape_keys.key_blocks:
        block.slider_max = 2.0
    limit = {"glb": 1e-5, "fbx": 1e-3, "usdc": 1e-5}[ending]
    np.testing.assert_allclose(values_of(obj, first), wanted, atol=limit)


@pytest.mark.parametrize("ending", ["glb", "fbx", "usdc"])
def test_a_face_that_renders_do_not_show_is_written_too(face, weights, tmp_path, ending):
    wanted, face.hide_render = values_of(face), True
    setattr(weights, ending, True)
    assert bpy.ops.facewright.export_weights() == {"FINISHED"}
    obj, first = back(next(tmp_path.iterdir()), ending)
    np.testing.assert_allclose(values_of(obj, first), wanted, atol=1e-3)


@pytest.mark.parametrize("ending", ["glb", "fbx", "usdc"])
def test_bones_of_a_rig_move_in_the_file(scene, face, weights, tmp_path, ending):
    rig = face_rig()
    character = scene.facewright.add_character("Face", None, face)
    character.lower_denture, character.jaw_bone = rig, "Jaw"
    bone = rig.pose.bones["Jaw"]
    bone.rotation_mode = "XYZ"
    for frame, angle in ((FIRST, 0.0), (FIRST + FRAMES - 1, 0.4)):
        bone.rotation_euler.x = angle
        bone.keyframe_insert("rotation_euler", frame=frame)
    setattr(weights, ending, True)
    assert bpy.ops.facewright.export_weights() == {"FINISHED"}
    obj, first = back(next(tmp_path.iterdir()), ending)
    rigs = [o for o in bpy.data.objects if o.type == "ARMATURE" and "Jaw" in o.pose.bones]
    assert rigs
    turns = []
    for frame in (first, first + FRAMES - 1):
        bpy.context.scene.frame_set(frame)
        turns.append(rigs[0].pose.bones["Jaw"].matrix.to_quaternion())
    angle = turns[0].rotation_difference(turns[1]).angle
    assert angle == pytest.approx(0.4, abs=1e-3)
    assert obj is not None


def test_the_gltf_validator_finds_nothing_wrong(scene, face, weights, tmp_path):
    rig = face_rig()
    character = scene.facewright.add_character("Face", None, face)
    character.lower_denture, character.jaw_bone = rig, "Jaw"
    weights.glb = True
    bpy.ops.facewright.export_weights()
    report = report_of(next(tmp_path.iterdir()))
    serious = [row for row in report["issues"]["messages"] if row["severity"] < 2]
    assert not serious, serious
    assert report["info"]["animationCount"] == 1
    assert report["info"]["hasMorphTargets"]


def test_the_gltf_validator_takes_the_whole_head(scene, weights, write, make_track, tmp_path):
    """The template head with its teeth, eyes and tongue: one animation moves them all."""
    bpy.ops.facewright.add_head()
    skin = scene.facewright.characters[-1].skin
    track = make_track(FRAMES, 30)
    write(skin, track, FIRST)
    weights.glb = True
    bpy.ops.facewright.export_weights()
    path = next(tmp_path.iterdir())
    report = report_of(path)
    assert report["issues"]["numErrors"] == 0, report["issues"]["messages"][:3]
    data = path.read_bytes()
    length = int.from_bytes(data[12:16], "little")
    animations = json.loads(data[20 : 20 + length])["animations"]
    moved = [channel["target"]["path"] for row in animations for channel in row["channels"]]
    assert len(animations) == 1
    assert moved.count("weights") >= 2, "skin and tongue"
    assert moved.count("rotation") >= 2, "both eyes"
    assert "translation" in moved, "the jaw, which only sinks in this take"


@pytest.mark.parametrize("ending", ["glb", "fbx", "usdc"])
def test_a_full_disk_leaves_the_old_file_and_the_scene(
    face, weights, scene_state, tmp_path, ending
):
    """The system refuses to let the file grow, as a full disk does."""
    old = tmp_path / f"顔 mit Raum.{ending}"
    old.write_text("old")
    setattr(weights, ending, True)
    bpy.ops.facewright.gains_reset()
    weights.gains["jawOpen"].multiplier = 1.5
    before, animated = scene_state(), values_of(face)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(RuntimeError, match="顔 mit Raum"):
            bpy.ops.facewright.export_weights()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    assert [found.name for found in tmp_path.iterdir()] == [old.name]
    assert old.read_text() == "old"
    assert scene_state() == before
    np.testing.assert_array_equal(values_of(face), animated)


def test_a_rate_that_blenders_exporters_do_not_keep_is_told(code, scene, face, weights):
    scene.facewright.exports.use_scene_fps = False
    scene.facewright.exports.fps = 60
    weights.glb = True
    bpy.ops.facewright.export_weights()
    notices = code("properties.progress").STATE.notices
    assert any("keep the scene's 30 frames per second" in notice for notice in notices)


def test_blenders_usd_importer_plays_the_weights_only_layer(code, scene, face, weights, tmp_path):
    """The layer has no mesh; a scene that binds one to it plays it, joints and all."""
    wanted = values_of(face)
    weights.usd = True
    bpy.ops.facewright.export_weights()
    layer = next(tmp_path.iterdir())
    prim = code("core.exchange.weights_usd").animation_name(layer.name)
    scene_file = tmp_path / "scene.usda"
    scene_file.write_text(SCENE.format(layer=layer.name, prim=prim), "utf-8")
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    bpy.ops.wm.usd_import(filepath=str(scene_file))
    key = next(iter(bpy.data.shape_keys))
    paths = {path for path, _index in curves_of(key)}
    assert {'key_blocks["jawOpen"].value', 'key_blocks["eyeBlinkLeft"].value'} <= paths
    rows = []
    for frame in range(FRAMES):
        bpy.context.scene.frame_set(frame)
        rows.append([key.key_blocks[name].value for name in ("jawOpen", "eyeBlinkLeft")])
    np.testing.assert_allclose(rows, wanted[:, :2], atol=1e-5)


SCENE = """#usda 1.0
(
    defaultPrim = "Root"
    subLayers = [@./{layer}@]
    endTimeCode = 29
    startTimeCode = 0
    timeCodesPerSecond = 30
    framesPerSecond = 30
)

def SkelRoot "Root" (
    prepend apiSchemas = ["SkelBindingAPI"]
)
{{
    def Skeleton "Skel" (
        prepend apiSchemas = ["SkelBindingAPI"]
    )
    {{
        uniform token[] joints = ["leftEye", "rightEye", "jaw"]
        uniform matrix4d[] bindTransforms = [
            ((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)),
            ((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)),
            ((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1))
        ]
        uniform matrix4d[] restTransforms = [
            ((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)),
            ((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)),
            ((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1))
        ]
        rel skel:animationSource = </World/{prim}>
    }}
    def Mesh "Tri" (
        prepend apiSchemas = ["SkelBindingAPI"]
    )
    {{
        point3f[] points = [(0, 0, 0), (1, 0, 0), (0, 1, 0)]
        int[] faceVertexCounts = [3]
        int[] faceVertexIndices = [0, 1, 2]
        uniform token[] skel:blendShapes = ["jawOpen", "eyeBlinkLeft"]
        rel skel:blendShapeTargets = [</Root/Tri/jawOpen>, </Root/Tri/eyeBlinkLeft>]
        rel skel:skeleton = </Root/Skel>
        def BlendShape "jawOpen"
        {{
            uniform vector3f[] offsets = [(0, 0, 1), (0, 0, 1), (0, 0, 1)]
        }}
        def BlendShape "eyeBlinkLeft"
        {{
            uniform vector3f[] offsets = [(0, 1, 0), (0, 1, 0), (0, 1, 0)]
        }}
    }}
}}
"""
