# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights are written from the scene or a take, and come back as takes, whatever the format."""

from __future__ import annotations

import csv
import dataclasses
import json
import os
import resource
from pathlib import Path

import bpy
import numpy as np
import pytest
from makers import curves_of, shaped_mesh

FRAMES, START = 24, 10
ALL = ("json", "json46", "usd", "metahuman_usd", "metahuman_json", "csv")
FULL = ("glb", "fbx", "usdc")


@pytest.fixture
def head(scene, code):
    """The template head as the scene's character."""
    bpy.ops.facewright.add_head()
    return scene.facewright.characters[-1].skin


@pytest.fixture
def take(code, scene, head, make_track):
    """A take on the head from frame 10 on, with a head that turns."""
    rng = np.random.default_rng(5)
    track = make_track(FRAMES, 30)
    turns = code("core.exchange.weights_json").turns_of(rng.uniform(-9, 9, (FRAMES, 3)))
    jaw = track.jaw.copy()
    jaw[:, :3, :3] = turns
    angles = rng.uniform(-9, 9, (FRAMES, 3)).astype(np.float32)
    track = dataclasses.replace(track, jaw=jaw, head=angles)
    parts = code("scene.parts").parts_of(head)
    actions = code("scene.actions")
    label = actions.TakeLabel("0ab1", "hash", "line", "model")
    actions.write_take([parts], track, scene, START, label)
    scene.frame_start, scene.frame_end = START, START + FRAMES - 1
    return track


@pytest.fixture
def weights(scene, tmp_path):
    """The panel's settings, with nothing ticked, and an empty folder to write to."""
    scene.facewright.exports.directory = str(tmp_path)
    scene.facewright.exports.file_name = "line"
    scene.facewright.weights.json = False
    return scene.facewright.weights


def export(weights, *kinds):
    for kind in (*ALL, *FULL):
        setattr(weights, kind, kind in kinds)
    assert bpy.ops.facewright.export_weights() == {"FINISHED"}


def shown(head, names, frame):
    """What the head's keys show at a frame of the scene."""
    whole = int(frame // 1)
    bpy.context.scene.frame_set(whole, subframe=frame - whole)
    keys = head.data.shape_keys.key_blocks
    return np.array([keys[name].value for name in names])


def test_json_is_what_the_scene_shows_with_jaw_eyes_and_head(weights, take, tmp_path):
    export(weights, "json")
    values = json.loads((tmp_path / "line_bsweight.json").read_text("utf-8"))
    assert (values["exportFps"], values["numFrames"]) == (30, FRAMES)
    assert values["facsNames"] == list(take.names)
    np.testing.assert_allclose(values["weightMat"], take.weights, atol=1e-5)
    rotations = np.array(values["rotations"])
    np.testing.assert_allclose(rotations[:, 0, :2], take.eyes[:, 1], atol=1e-3)
    np.testing.assert_allclose(rotations[:, 1, :2], take.eyes[:, 0], atol=1e-3)
    np.testing.assert_allclose(values["headRotations"], take.head, atol=1e-3)
    translations = np.array(values["translations"])[:, 2]
    np.testing.assert_allclose(translations, take.jaw[:, :3, 3], atol=2e-4)


def test_what_an_artist_has_changed_is_written(scene, head, weights, take, tmp_path):
    curve = curves_of(head.data.shape_keys)['key_blocks["jawOpen"].value', 0]
    for point in curve.keyframe_points:
        point.co.y *= 0.5
    curve.update()
    column = take.names.index("jawOpen")
    export(weights, "json")
    path = tmp_path / "line_bsweight.json"
    found = np.array(json.loads(path.read_text())["weightMat"])[:, column]
    np.testing.assert_allclose(found, take.weights[:, column] * 0.5, atol=1e-5)


def test_the_range_and_the_rate_of_the_export_count(scene, weights, take, tmp_path):
    chosen = scene.facewright.exports
    chosen.use_scene_range = chosen.use_scene_fps = False
    chosen.frame_start, chosen.frame_end, chosen.fps = 12, 20, 60
    export(weights, "csv", "usd")
    rows = list(csv.DictReader((tmp_path / "line_livelink.csv").open(encoding="utf-8")))
    assert len(rows) == 17
    assert [row["Timecode"] for row in rows[:2]] == ["00:00:00:00.000", "00:00:00:01.000"]
    jaw = np.array([float(row["JawOpen"]) for row in rows])
    column = take.weights[:, take.names.index("jawOpen")]
    np.testing.assert_allclose(jaw[::2], column[2:11], atol=1e-5)
    np.testing.assert_allclose(jaw[1::2], (column[2:10] + column[3:11]) / 2, atol=1e-5)
    assert "timeCodesPerSecond = 60\n" in (tmp_path / "line_bsweight.usd").read_text()


def test_gains_count_once_and_reset_takes_them_back(head, weights, take, tmp_path):
    assert bpy.ops.facewright.gains_reset() == {"FINISHED"}
    weights.gains["jawOpen"].multiplier = 1.5
    weights.gains["mouthClose"].offset = -0.25
    weights.clamp = True
    export(weights, "json")
    path = tmp_path / "line_bsweight.json"
    found = np.array(json.loads(path.read_text())["weightMat"])
    jaw, close = (take.names.index(name) for name in ("jawOpen", "mouthClose"))
    np.testing.assert_allclose(found[:, jaw], np.clip(take.weights[:, jaw] * 1.5, 0, 1), atol=1e-5)
    wanted = np.clip(take.weights[:, close] - 0.25, 0, 1)
    np.testing.assert_allclose(found[:, close], wanted, atol=1e-5)
    gains = tmp_path / "gains.json"
    assert bpy.ops.facewright.gains_save(filepath=str(gains)) == {"FINISHED"}
    bpy.ops.facewright.gains_reset()
    assert not weights.gains_now().changes
    assert bpy.ops.facewright.gains_load(filepath=str(gains)) == {"FINISHED"}
    assert weights.gains["jawOpen"].multiplier == 1.5
    assert weights.gains["mouthClose"].offset == -0.25
    assert weights.clamp


@pytest.mark.parametrize("kind", ["json", "usd", "metahuman_usd", "csv"])
def test_what_is_written_comes_back_as_a_take(code, scene, head, weights, take, tmp_path, kind):
    export(weights, kind)
    ending = code("core.exchange.weights").KINDS[kind].ending
    path = tmp_path / f"line{ending}"
    before = set(bpy.data.actions)
    given = {"fps": 30} if kind == "csv" else {}  # within one second its time codes do not say
    done = bpy.ops.facewright.import_weights(filepath=str(path), start_frame=100, **given)
    assert done == {"FINISHED"}
    names = take.names if kind != "csv" else take.names[:52]
    on_skin = [name for name in names if name in head.data.shape_keys.key_blocks]
    columns = [take.names.index(name) for name in on_skin]
    for frame in (0, 7, FRAMES - 1):
        wanted = take.weights[frame, columns]
        np.testing.assert_allclose(shown(head, on_skin, 100 + frame), wanted, atol=1e-5)
    (lead,) = [action for action in set(bpy.data.actions) - before
               if code("core.take_label").is_lead(action)]  # fmt: skip
    label = code("core.take_label").label_of(lead)
    assert (label.voice, label.model, label.first_frame) == (path.stem, "Imported", 100)
    assert label.character_id == scene.facewright.characters[-1].id
    assert before <= set(bpy.data.actions), "the take before is kept"
    assert scene.frame_end == 100 + FRAMES - 1
    again = tmp_path / "again"
    again.mkdir()
    scene.facewright.exports.directory = str(again)
    scene.frame_start = 100
    export(weights, "json")
    if kind == "csv":  # it has no jaw: the lower teeth go with its poses
        head_data = code("core.head").load_head(code("scene.template_head").ASSET)
        jaw = code("core.solve.jaw").jaw_of_weights(
            take.names, take.weights, head_data.jaw_pivot, head_data.jaw_motions
        )
        turned = code("core.exchange.weights_json").read_weights(again / "line_bsweight.json")
        assert np.abs(jaw[:, :3, :3] - np.eye(3)).max() > 0.01
        np.testing.assert_allclose(turned.jaw[:, :3, :3], jaw[:, :3, :3], atol=2e-4)
    else:
        values = json.loads((again / "line_bsweight.json").read_text("utf-8"))
        turned = code("core.exchange.weights_json").read_weights(again / "line_bsweight.json")
        np.testing.assert_allclose(turned.jaw[:, :3, :3], take.jaw[:, :3, :3], atol=2e-5)
        np.testing.assert_allclose(turned.eyes, take.eyes, atol=2e-3)
        assert values["numFrames"] == FRAMES


def test_46_poses_come_in_as_the_52(code, head, weights, take, tmp_path):
    facs = code("core.exchange.facs46")
    export(weights, "json46")
    path = tmp_path / "line_bsweight46.json"
    values = json.loads(path.read_text("utf-8"))
    assert values["facsNames"] == list(facs.FACS_NAMES)
    bpy.ops.facewright.import_weights(filepath=str(path), start_frame=1)
    wanted = facs.FROM_FACS.apply(values["facsNames"], np.array(values["weightMat"]))
    names = [name for name in facs.FROM_FACS.names if name in head.data.shape_keys.key_blocks]
    columns = [facs.FROM_FACS.names.index(name) for name in names]
    np.testing.assert_allclose(shown(head, names, 5), wanted[4, columns], atol=1e-5)


def test_a_file_of_another_rate_keeps_its_rate(scene, head, weights, take, tmp_path):
    """Keys lie between the scene's frames then, at the file's own times."""
    export(weights, "json")
    path = tmp_path / "line_bsweight.json"
    scene.render.fps = 24
    bpy.ops.facewright.import_weights(filepath=str(path), start_frame=1)
    on_skin = [name for name in take.names if name in head.data.shape_keys.key_blocks]
    columns = [take.names.index(name) for name in on_skin]
    for frame in (0, 5, 23):
        found = shown(head, on_skin, 1 + frame * 24 / 30)
        np.testing.assert_allclose(found, take.weights[frame, columns], atol=1e-4)


def test_names_that_find_no_key_are_told(code, scene, tmp_path):
    face = shaped_mesh("Face", ["JawOpen", "EyeBlink_L"])
    path = tmp_path / "own.json"
    values = {"facsNames": ["jawOpen", "eyeBlinkLeft", "cheekPuff", "mouthLeft"], "exportFps": 30,
              "weightMat": [[0.5, 1, 0.5, 0]] * 3}  # fmt: skip
    path.write_text(json.dumps(values))
    bpy.ops.facewright.import_weights(filepath=str(path), object="Face", start_frame=1)
    state = code("properties.progress").STATE
    assert "No shape key was found for: cheekPuff." in state.notices
    assert any("jaw" in notice for notice in state.notices)
    scene.frame_set(2)
    assert face.data.shape_keys.key_blocks["JawOpen"].value == pytest.approx(0.5, abs=1e-6)


def test_an_artists_action_is_left_alone(head, weights, take, tmp_path):
    export(weights, "json")
    key = head.data.shape_keys
    key.animation_data_clear()
    key.key_blocks["jawOpen"].keyframe_insert("value", frame=1)
    own = key.animation_data.action
    values = [tuple(point.co) for point in curves_of(key)[
        'key_blocks["jawOpen"].value', 0].keyframe_points]  # fmt: skip
    bpy.ops.facewright.import_weights(filepath=str(tmp_path / "line_bsweight.json"))
    assert key.animation_data.action != own
    assert own in set(bpy.data.actions)
    key.animation_data.action = own
    found = curves_of(key)['key_blocks["jawOpen"].value', 0].keyframe_points
    assert [tuple(point.co) for point in found] == values


@pytest.mark.parametrize("kind", ALL)
def test_a_full_disk_leaves_nothing_behind(code, weights, take, tmp_path, kind):
    """The system refuses to let the file grow, as a full disk does."""
    import signal

    old = tmp_path / f"line{code('core.exchange.weights').KINDS[kind].ending}"
    old.write_text("old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    try:
        setattr(weights, kind, True)
        with pytest.raises(RuntimeError, match=rf"{old.name}.*cannot be written"):
            bpy.ops.facewright.export_weights()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    assert [found.name for found in tmp_path.iterdir()] == [old.name]
    assert old.read_text() == "old"


def test_names_with_spaces_and_japanese(scene, head, weights, take, tmp_path):
    folder = tmp_path / "出力 フォルダ"
    folder.mkdir()
    scene.facewright.exports.directory = str(folder)
    scene.facewright.exports.file_name = "顔 の 動き"
    export(weights, *ALL)
    assert len(list(folder.iterdir())) == len(ALL)
    for path in folder.iterdir():
        if "metahuman.json" not in path.name:
            assert bpy.ops.facewright.import_weights(filepath=str(path)) == {"FINISHED"}


def test_a_place_that_cannot_be_written_is_told_before_anything_is_read(
    code, scene, head, weights, take, tmp_path
):
    (tmp_path / "line_bsweight.json").mkdir()
    scene.frame_set(3)
    weights.json = weights.csv = True
    with pytest.raises(RuntimeError, match="is not a file"):
        bpy.ops.facewright.export_weights()
    assert [found.name for found in tmp_path.iterdir()] == ["line_bsweight.json"]
    assert scene.frame_current == 3


def test_a_file_that_is_open_elsewhere_is_told(code, weights, take, tmp_path, monkeypatch):
    """Windows refuses to replace a file that another program has open."""

    def refused(*_: object) -> None:
        raise PermissionError(13, "The process cannot access the file")

    weights.json = True
    monkeypatch.setattr(os, "replace", refused)
    with pytest.raises(RuntimeError, match="cannot access the file"):
        bpy.ops.facewright.export_weights()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.json", "{}", "no facsNames"),
        ("a.csv", "x,y\n1,2\n", "no column Timecode"),
        ("a.usd", "#usda 1.0\n", "no blend shape weights"),
        ("a.usda", "#usda 1.0\n(", "cannot be read as USD"),
        ("a.usdc", "PXR-USDC but no more", "binary USD|cannot be read as USD"),
        ("a.txt", "x", "no weights file"),
    ],
)
def test_what_cannot_be_read_is_told_and_changes_nothing(
    head, tmp_path, scene_state, name, text, says
):
    path = tmp_path / name
    path.write_text(text)
    before = scene_state()
    with pytest.raises(RuntimeError, match=says):
        bpy.ops.facewright.import_weights(filepath=str(path))
    assert scene_state() == before


def test_greyed_buttons_say_why(code, scene, head, weights):
    operator = bpy.types.FACEWRIGHT_OT_export_weights
    assert operator.disabled_reason(bpy.context) == "Tick at least one kind of file"
    weights.json = True
    assert operator.disabled_reason(bpy.context) == ""
    scene.facewright.characters.clear()
    plain = bpy.data.objects.new("Plain", bpy.data.meshes.new("Plain"))
    scene.collection.objects.link(plain)
    weights.face = plain
    assert "'Plain' has no shape keys" in operator.disabled_reason(bpy.context)


def test_nothing_is_left_in_the_scene_by_an_export(head, weights, take, scene_state, tmp_path):
    before = scene_state()
    export(weights, *ALL)
    assert scene_state() == before
    assert Path(tmp_path / "line_metahuman.usd").is_file()
