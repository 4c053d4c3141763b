# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel's batch: real programs without a window, what they make, and what becomes of faults."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import pytest
import stubs

GOOD = ("line 1.wav", "台詞 2.wav")


@pytest.fixture
def voices(tmp_path):
    """A folder with two voices and one file that is none."""
    folder = tmp_path / "my voices"
    folder.mkdir()
    for place, name in enumerate(GOOD):
        stubs.write_wav(folder / name, stubs.speech_like(0.6 + 0.3 * place))
    (folder / "broken.wav").write_bytes(b"RIFF no sound at all")
    return folder


@pytest.fixture
def batch(code, wired, voices, tmp_path, stub):
    """The batch's settings: JSON of the player's folder, by the stub model; and its state."""
    wired.pipeline.model = str(stub.folder)
    wired.player.track_root = str(voices)
    out = tmp_path / "out put"
    out.mkdir()
    wired.scene.facewright.exports.directory = str(out)
    state = code("properties.batch").BATCH
    state.forget()
    yield SimpleNamespace(chosen=wired.scene.facewright.batch, state=state, out=out, voices=voices)
    state.forget()


def run() -> set[str]:
    return bpy.ops.facewright.batch_animate()


def files(folder: Path) -> dict[str, bytes]:
    """All that a batch has put into a folder, but its own records."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    own = [path for path in paths if ".facewright" in path.relative_to(folder).parts]
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in paths
        if path not in own and path.name != "report.jsonl"
    }


def states(batch: Any) -> dict[str, str]:
    return {row.name: row.state for row in batch.state.rows}


def test_each_voice_gets_its_file_and_a_bad_one_stops_nothing(batch, wired):
    assert run() == {"FINISHED"}
    assert states(batch) == {"line 1.wav": "done", "台詞 2.wav": "done", "broken.wav": "failed"}
    assert set(files(batch.out)) == {"line 1.json", "台詞 2.json"}
    wrong = next(row for row in batch.state.rows if row.state == "failed")
    assert "broken.wav" in wrong.sentence and "Traceback" not in wrong.sentence
    assert "2 of 3 voices done, 1 failed" in batch.state.outcome and batch.state.failed
    weights = json.loads(files(batch.out)["line 1.json"])
    assert weights["numFrames"] == 18 and weights["exportFps"] == 30  # the scene's rate


def test_the_second_run_does_only_what_is_new_or_was_changed(batch, wired):
    run()
    made = {path: path.stat().st_mtime_ns for path in batch.out.glob("*.json")}
    again = files(batch.out)
    stubs.write_wav(batch.voices / "new.wav", stubs.speech_like(0.5))
    run()
    assert states(batch) == {
        "line 1.wav": "fresh", "台詞 2.wav": "fresh", "broken.wav": "failed", "new.wav": "done"
    }  # fmt: skip
    assert {path: path.stat().st_mtime_ns for path in made} == made
    wired.pipeline.skin_strength = 0.5
    run()
    assert set(states(batch).values()) == {"done", "failed"}
    changed = files(batch.out)
    assert changed["line 1.json"] != again["line 1.json"]
    batch.chosen.redo = True
    run()
    assert set(states(batch).values()) == {"done", "failed"}
    assert files(batch.out) == changed


def test_common_settings_reach_the_files(batch, wired):
    exports = wired.scene.facewright.exports
    exports.use_scene_fps, exports.fps = False, 60
    run()
    assert json.loads(files(batch.out)["line 1.json"])["exportFps"] == 60
    assert json.loads(files(batch.out)["line 1.json"])["numFrames"] == 36


def test_the_rows_of_a_manifest_may_differ(batch, tmp_path):
    lines = [
        {"audio": f"{batch.voices.name}/{GOOD[0]}", "output": "scene 1/first"},
        {"audio": f"{batch.voices.name}/{GOOD[0]}", "output": "other", "fps": 24},
        {"audio": "nowhere.wav"},
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join([*map(json.dumps, lines), "nonsense"]), encoding="utf-8")
    batch.chosen.source, batch.chosen.manifest = "MANIFEST", str(path)
    run()
    assert [row.state for row in batch.state.rows] == ["done", "done", "failed", "failed"]
    assert set(files(batch.out)) == {"scene 1/first.json", "other.json"}
    assert json.loads(files(batch.out)["other.json"])["exportFps"] == 24
    assert "nowhere.wav" in batch.state.rows[2].sentence
    assert "rows.jsonl, line 4" in batch.state.rows[3].sentence


def test_the_button_says_why_it_is_grey(batch, wired, code):
    reason = code("operators.batch").FACEWRIGHT_OT_batch_animate.disabled_reason
    assert reason(bpy.context) == ""
    batch.chosen.use_json = False
    assert reason(bpy.context) == "Tick a kind of file first"
    batch.chosen.use_blend = True
    assert "No face is chosen" in reason(bpy.context)
    wired.scene.facewright.characters.clear()
    assert reason(bpy.context) == "Add a character first"
    batch.chosen.use_json, batch.chosen.use_blend = True, False
    wired.player.track_root = ""
    assert reason(bpy.context) == "Choose the player's folder first"
    batch.chosen.source = "FOLDER"
    assert reason(bpy.context) == "Choose a folder of voices first"
    batch.chosen.folder = str(batch.voices)
    assert reason(bpy.context) == ""
    batch.chosen.source = "MANIFEST"
    assert reason(bpy.context) == "Choose a manifest first"
    batch.chosen.source = "FOLDER"
    wired.scene.facewright.exports.directory = str(batch.out / "missing")
    assert "missing does not exist" in reason(bpy.context)
    wired.scene.facewright.exports.directory = "//"
    assert "Save the .blend" in reason(bpy.context)
    with pytest.raises(RuntimeError, match="poll"):
        run()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda batch: batch.voices.joinpath("empty").mkdir(), "holds no sound file"),
        (lambda batch: (batch.out / ".facewright").write_text(""), "cannot be made"),
    ],
)
def test_what_is_wrong_with_a_folder_is_one_sentence(batch, change, expected):
    change(batch)
    batch.chosen.source = "FOLDER"
    empty = batch.voices / "empty"
    batch.chosen.folder = str(empty if empty.is_dir() else batch.voices)
    with pytest.raises(RuntimeError, match=expected):
        run()
    assert not files(batch.out)
