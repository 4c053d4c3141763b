# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: what it does and the exit code that says how it went."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

import bpy
import pytest
from makers import curves_of


@pytest.fixture
def words(own_face, voice, stub):
    return ["animate", "--audio", voice, "--object", "Face", "--model", str(stub.folder)]


def test_done_is_0_and_says_what_was_made(command, words, own_face, tmp_path):
    out = tmp_path / "out put.json"
    status, said, errors = command(*words, "--out", str(out), "--out", str(tmp_path / "b.blend"))
    assert status == 0
    assert errors == ""
    assert said.splitlines()[-1].startswith("Done: 45 frames")
    assert json.loads(out.read_text(encoding="utf-8"))["numFrames"] == 45
    assert (tmp_path / "b.blend").is_file()
    assert curves_of(own_face.data.shape_keys)


def test_explicit_parameters_reach_the_take(command, words, own_face):
    more = ["--fps", "60", "--start-frame", "11", "--set", "blink_interval=0", "--quiet"]
    status, said, _errors = command(*words, *more)
    assert status == 0
    assert "Done" not in said
    points = next(iter(curves_of(own_face.data.shape_keys).values())).keyframe_points
    assert len(points) == 90
    assert (points[0].co[0], points[1].co[0]) == (11, 11.5)


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (["--object", "Nobody"], "has no object 'Nobody'"),
        (["--audio", "/nowhere/x.wav"], "/nowhere/x.wav does not exist"),
        (["--model", "/nowhere"], "model folder /nowhere does not exist"),
        (["--model", "/tmp/" + 300 * "x"], "does not exist"),
        (["--fps", "-3"], "frame rate -3 is wrong"),
        (["--set", "nonsense=1"], "names no parameter"),
        (["--set", "skin_strenght=1"], "Did you mean skin_strength?"),
        (["--set", "skin_strength"], "gives no value"),
        (["--set", "skin_strength=nan"], "has to be a number, not nan"),
        (["--start-frame", "nan"], "start frame is nan"),
        (["--start-frame", "1e9"], "start frame is 1e+09"),
        (["--set", "skin_strength=high"], "gives no number"),
        (["--set", "skin_strength=9"], "Skin Strength"),
        (["--out", "x.gif"], "x.gif cannot be saved"),
        (["--out", "/nowhere/x.json"], "/nowhere does not exist"),
        (["--file", "/nowhere/x.blend"], "/nowhere/x.blend does not exist"),
        (["--channel", "9"], "channel"),
        (["--channel", "-1"], "cannot be negative"),
    ],
)
def test_the_users_mistakes_are_1_and_one_sentence(command, words, wrong, expected, scene_state):
    before = scene_state()
    status, _said, errors = command(*words, *wrong)
    assert status == 1
    assert expected in errors
    assert errors.startswith("Error: ")
    assert len(errors.splitlines()) == 1
    assert scene_state() == before


def test_an_object_that_is_no_mesh_is_1(command, words, scene):
    scene.collection.objects.link(bpy.data.objects.new("Lamp", bpy.data.lights.new("L", "POINT")))
    status, _said, errors = command(*words, "--object", "Lamp")
    assert status == 1
    assert "'Lamp' is no mesh" in errors


@pytest.mark.parametrize(
    "usage",
    [
        [],
        ["sing"],
        ["animate"],
        ["animate", "--audio", "a.wav"],
        ["animate", "--object", "Face"],
        ["animate", "--object", "Face", "--audio", "a.wav", "--sample"],
        ["animate", "--object", "Face", "--audio", "a.wav", "--bogus"],
        ["animate", "--object", "Face", "--audio", "a.wav", "--start-frame", "soon"],
    ],
)
def test_wrong_usage_is_2(command, usage):
    status, _said, errors = command(*usage)
    assert status == 2
    assert "usage: blender --background FILE --command facewright" in errors


def test_help_is_0(command):
    status, said, _errors = command("animate", "--help")
    assert status == 0
    assert "--audio" in said


def test_faults_of_ours_are_4_and_name_the_report(command, words, code, monkeypatch):
    def broken(*_args, **_options):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(code("operators.command_line"), "animate_object", broken)
    status, _said, errors = command(*words)
    assert status == 4
    assert len(errors.splitlines()) == 1
    report = Path(errors.strip().split("report is ")[1]).read_text(encoding="utf-8")
    assert "ZeroDivisionError: a bug" in report
    assert bpy.app.version_string in report


def test_a_reader_that_has_gone_stops_nothing(code, words, own_face):
    """``... | head -1``: what is printed goes nowhere, the work goes on."""
    main = code("operators.command").main
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe, contextlib.redirect_stdout(pipe):
        assert main(words) == 0
        with contextlib.suppress(OSError):
            pipe.close()
    assert own_face.data.shape_keys.animation_data.action


def test_the_file_that_is_open_is_accepted_and_another_refused(command, words, tmp_path):
    path, other = tmp_path / "a.blend", tmp_path / "b.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(other), copy=True)
    status, _said, errors = command(*words, "--file", str(other))
    assert status == 1
    assert "the start-up scene open" in errors
    bpy.ops.wm.save_as_mainfile(filepath=str(path), check_existing=False)
    assert command(*words, "--file", str(path))[0] == 0
    assert command(*words, "--file", str(other))[0] == 1


def test_blender_knows_the_command(code):
    registered = code("operators.command")._registered
    assert len(registered) == 1
