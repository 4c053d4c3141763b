# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line with models of every family, identities, emotion, pose tables and devices."""

from __future__ import annotations

import json
import re

import bpy
import numpy as np
import pytest
import stubs
from stub_diffusion import make_stub_diffusion
from stub_emotion import make_stub_emotion


@pytest.fixture
def command(code, capsys):
    """Run ``facewright ...``; gives the exit code and what was said on both streams."""
    run = code("operators.command_line").run

    def words(*argv: object):
        status = run([str(word) for word in argv])
        said = capsys.readouterr()
        return status, said.out, said.err

    return words


@pytest.fixture
def head(scene):
    """The template head, with its face called Face."""
    bpy.ops.facewright.add_head()
    scene.facewright.characters[-1].skin.name = "Face"


@pytest.fixture(scope="session")
def line(tmp_path_factory):
    """A voice of 1.2 s."""
    path = tmp_path_factory.mktemp("line") / "line.wav"
    return stubs.write_wav(path, stubs.speech_like(1.2))


@pytest.fixture(scope="session")
def diffusion(tmp_path_factory):
    return make_stub_diffusion(tmp_path_factory.mktemp("diffusion") / "three")


@pytest.fixture(scope="session")
def hearing(tmp_path_factory):
    return make_stub_emotion(tmp_path_factory.mktemp("emotion") / "hearing")


@pytest.fixture
def animate(command, head, line, stub, tmp_path):
    """Animate the head; gives the weights file's content and what was said."""

    def run(*more: object, model=None):
        out = tmp_path / "line.json"
        words = ["animate", "--audio", line, "--object", "Face", "--out", out]
        status, said, errors = command(*words, "--model", model or stub.folder, *more)
        assert status == 0, errors
        return json.loads(out.read_text(encoding="utf-8")), said

    return run


def column(content, name):
    return np.array(content["weightMat"])[:, content["facsNames"].index(name)]


def moved(content):
    return float(np.ptp(np.array(content["weightMat"]), axis=0).max())


def test_a_stub_regression_folder_animates_the_template_head(animate):
    content, said = animate()
    assert content["numFrames"] == 36
    assert moved(content) > 0.05
    assert "ms per frame" in said and "x real time, on " in said
    key = bpy.data.objects["Face"].data.shape_keys
    assert key.animation_data.action["facewright_model"]


def test_a_stub_diffusion_folder_animates_the_template_head(animate, diffusion):
    content, _said = animate("--accept-licence", model=diffusion.folder)
    assert content["numFrames"] == 36
    assert moved(content) > 0.01


@pytest.mark.parametrize("mode", ["keys", "frames"])
def test_a_stub_audio2emotion_folder_animates_the_template_head(animate, hearing, mode):
    plain, _said = animate()
    more = ["--auto-emotion", hearing.folder, "--auto-emotion-mode", mode, "--accept-licence"]
    content, _said = animate(*more)
    assert moved(content) > 0.05
    assert np.abs(np.array(content["weightMat"]) - np.array(plain["weightMat"])).max() > 1e-3


def test_without_a_folder_the_built_in_model_reads_the_emotion(animate):
    plain, said = animate()
    assert "Emotion was read" not in said
    content, said = animate("--auto-emotion")
    assert "Note: Emotion was read from the voice by Facewright Emotion." in said.splitlines()
    assert np.abs(np.array(content["weightMat"]) - np.array(plain["weightMat"])).max() > 1e-4


def test_identities_are_chosen_by_name(command, animate, head, line, diffusion):
    faces = [
        np.array(animate("--accept-licence", "--identity", name, model=diffusion.folder)[0][
            "weightMat"])
        for name in diffusion.identities[:2]
    ]  # fmt: skip
    assert np.abs(faces[0] - faces[1]).max() > 1e-3
    words = ["animate", "--audio", line, "--object", "Face", "--model", diffusion.folder]
    status, _said, errors = command(*words, "--accept-licence", "--identity", "Nobody")
    assert status == 1
    assert "Nobody" in errors and diffusion.identities[0] in errors


def test_terms_have_to_be_accepted(command, head, line, hearing, stub, scene_state):
    before = scene_state()
    words = ["animate", "--audio", line, "--object", "Face", "--model", stub.folder]
    status, _said, errors = command(*words, "--auto-emotion", hearing.folder)
    assert status == 1
    assert "--accept-licence" in errors and len(errors.splitlines()) == 1
    assert scene_state() == before


def test_emotion_keys_come_from_a_file(command, animate, head, line, tmp_path):
    path = tmp_path / "keys.json"
    keys = [{"time": 0, "emotions": {}}, {"time": 1, "emotions": {"joy": 1.0}}]
    path.write_text(json.dumps(keys), encoding="utf-8")
    plain, keyed = (np.array(animate(*more)[0]["weightMat"])
                    for more in ((), ("--emotion-keys", path)))  # fmt: skip
    difference = np.abs(keyed - plain).max(axis=1)
    assert difference[0] < 1e-3 < difference[20] < difference[29]
    path.write_text('[{"time": 0, "emotions": {"rage": 1}}]', encoding="utf-8")
    words = ["animate", "--audio", line, "--object", "Face", "--emotion-keys", path]
    status, _said, errors = command(*words)
    assert status == 1
    assert "keys.json: key 1: there is no emotion called 'rage'" in errors


def test_an_override_is_mixed_in(command, animate, head, line):
    plain, _said = animate()
    glad, _said = animate("--emotion-override", "joy=1")
    assert np.abs(np.array(glad["weightMat"]) - np.array(plain["weightMat"])).max() > 1e-3
    words = ["animate", "--audio", line, "--object", "Face", "--emotion-override"]
    for wrong, expected in (
        ("rage=1", "names no emotion"),
        ("joy", "names no emotion"),
        ("joy=much", "gives no number"),
        ("joy=1.5", "between 0 and 1"),
    ):
        status, _said, errors = command(*words, wrong)
        assert status == 1
        assert expected in errors


def test_a_pose_table_reaches_the_solver(command, animate, head, line, tmp_path):
    path = tmp_path / "poses.json"
    path.write_text('{"skin": {"active": {"jawOpen": false}}}', encoding="utf-8")
    assert np.abs(column(animate()[0], "jawOpen")).max() > 0.01
    assert not column(animate("--pose-table", path)[0], "jawOpen").any()
    words = ["animate", "--audio", line, "--object", "Face", "--pose-table", path]
    for content, expected in (
        ('{"skin": {"active": {"nose": false}}}', "nose"),
        ('{"ears": {}}', "no rig called 'ears'"),
        ("[", "not valid JSON"),
    ):
        path.write_text(content, encoding="utf-8")
        status, _said, errors = command(*words)
        assert status == 1
        assert expected in errors


def test_the_files_of_the_page_are_accepted(animate, root, tmp_path, code):
    page = (root / "docs" / "command-line.md").read_text(encoding="utf-8")
    keys, poses = re.findall(r"^```json\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "keys.json").write_text(keys, encoding="utf-8")
    (tmp_path / "poses.json").write_text(poses, encoding="utf-8")
    files = ["--emotion-keys", tmp_path / "keys.json", "--pose-table", tmp_path / "poses.json"]
    built_in = code("scene.places").BUILT_IN_MODEL
    for model in (None, built_in):
        content, _said = animate(*files, model=model)
        assert not column(content, "tongueOut").any()


def test_every_parameter_can_be_set(command, animate, code):
    table = code("core.parameters").PARAMETERS
    words = [f"{name}={p.default}" for name, p in table.items() if p.kind in ("float", "int")]
    more = [word for setting in words for word in ("--set", setting)]
    content, _said = animate(*more, "--set", "clamp_weights=true", "--set", "identity=")
    assert moved(content) > 0.05


def test_a_processor_that_is_not_there_is_said_aloud(command, animate, head, line):
    _content, said = animate("--device", "cpu")
    assert "on the processor (CPU)" in said
    assert "not used" not in said
    _content, said = animate("--device", "directml")
    assert "Note: Windows GPU (DirectML) is not used" in said
    assert "on the processor (CPU)" in said
    status, _said, errors = command(
        "animate", "--audio", line, "--object", "Face", "--device", "abacus"
    )
    assert status == 1
    assert "no processor called 'abacus'" in errors


def test_devices_are_listed_with_what_is_known_of_them(command):
    status, said, _errors = command("devices")
    assert status == 0
    lines = {line.split()[0]: line for line in said.splitlines()}
    assert set(lines) >= {"cpu", "cuda", "tensorrt", "coreml", "directml"}
    assert lines["cpu"].endswith("CPU, usable, tested")
    assert "not usable" in lines["directml"] and ": " in lines["directml"]


def test_models_are_listed_and_described(command, code, stub, diffusion, hearing):
    listed = code("properties.library")
    for folder in (stub.folder, diffusion.folder, hearing.folder):
        listed.add_model(listed.preferences(), folder)
    status, said, _errors = command("models")
    assert status == 0
    lines = said.splitlines()
    assert lines[0].startswith("Facewright: regression")
    assert lines[1].startswith("Facewright Emotion: emotion")
    assert any("diffusion" in line and diffusion.identities[1] in line for line in lines)
    assert any("emotion" in line and str(hearing.folder) in line for line in lines)
    status, said, _errors = command("models", diffusion.folder)
    assert status == 0
    for word in ("Identities: ", "Emotions: ", "frames per second", "Poses of the skin", "Hash: "):
        assert word in said
    status, said, _errors = command("models", hearing.folder)
    assert status == 0
    assert "Family: emotion" in said and "Licence: " in said
    status, _said, errors = command("models", "/nowhere")
    assert status == 1
    assert "/nowhere does not exist" in errors
