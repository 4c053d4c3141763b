# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel's batch: real programs without a window, what they make, and what becomes of faults."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import pytest
import stubs
from layouts import Layout
from makers import curves_of

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


def test_each_voice_gets_its_file_and_then_only_what_is_new_does(batch):
    assert run() == {"FINISHED"}
    assert states(batch) == {"line 1.wav": "done", "台詞 2.wav": "done", "broken.wav": "failed"}
    assert set(files(batch.out)) == {"line 1_bsweight.json", "台詞 2_bsweight.json"}
    wrong = next(row for row in batch.state.rows if row.state == "failed")
    assert "broken.wav" in wrong.sentence and "Traceback" not in wrong.sentence
    assert "2 of 3 voices done, 1 failed" in batch.state.outcome and batch.state.failed
    weights = json.loads(files(batch.out)["line 1_bsweight.json"])
    assert weights["numFrames"] == 18 and weights["exportFps"] == 30  # the scene's rate
    made = {path: path.stat().st_mtime_ns for path in batch.out.glob("*.json")}
    again = files(batch.out)
    stubs.write_wav(batch.voices / "new.wav", stubs.speech_like(0.5))
    run()
    assert states(batch) == {
        "line 1.wav": "fresh", "台詞 2.wav": "fresh", "broken.wav": "failed", "new.wav": "done"
    }  # fmt: skip
    assert {path: path.stat().st_mtime_ns for path in made} == made
    batch.chosen.redo = True
    run()
    assert set(states(batch).values()) == {"done", "failed"}
    assert again.items() < files(batch.out).items()


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
    assert set(files(batch.out)) == {"scene 1/first_bsweight.json", "other_bsweight.json"}
    assert json.loads(files(batch.out)["other_bsweight.json"])["exportFps"] == 24
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


@pytest.fixture
def baking(batch, wired, own_face):
    """The batch's settings: a .blend of each voice, with what is not saved of this one."""
    wired.character.skin = own_face
    batch.chosen.use_blend = True
    return batch


def test_the_present_scene_is_baked_in_a_blender_of_its_own(baking, own_face, code):
    own_face.location.x = 2.0  # nobody has saved that
    baking.chosen.processes = 2
    run()
    assert states(baking) == {
        "line 1.wav": "done", "台詞 2.wav": "done", "broken.wav": "failed"
    }, baking.state.rows  # fmt: skip
    assert set(files(baking.out)) == {
        f"{stem}{end}" for stem in ("line 1", "台詞 2") for end in (".blend", "_bsweight.json")
    }
    assert bpy.data.filepath == "" and own_face.data.shape_keys.animation_data is None
    bpy.ops.wm.open_mainfile(filepath=str(baking.out / "台詞 2.blend"))
    face = bpy.data.objects["Face"]
    assert face.location.x == 2.0
    assert len(curves_of(face.data.shape_keys)) == 52
    assert code("scene.reopening").is_saved() is False  # in background nobody knows


def test_a_blender_that_dies_costs_one_row(baking, code, monkeypatch):
    """The second program of three rows kills itself where it would say what came of a row."""
    shares = code("operators.batch_shares")
    marker = baking.out.parent / "died"
    crash = f"""
import os, pathlib
marker = pathlib.Path({str(marker)!r})
reports = importlib.import_module(package + ".core.batch.report")
add = reports.Report.add
def dying(self, result):
    if result.row == 1 and not marker.exists():
        marker.write_text("")
        os._exit(11)
    return add(self, result)
reports.Report.add = dying
"""
    broken = shares._MODULE.replace("code = ", f"{crash}\ncode = ")
    monkeypatch.setattr(shares, "_MODULE", broken)
    run()
    assert states(baking) == {
        "broken.wav": "failed", "line 1.wav": "failed", "台詞 2.wav": "done"
    }  # fmt: skip
    said = baking.state.rows[1].sentence
    assert said == "line 1.wav: Blender ended over it, with the code 11."


def _started(batch: Any, code: Any) -> tuple[Any, Any]:
    """A batch that goes on as in a window: its steps, and the programs."""
    module, found = code("operators.batch_run"), []
    begin = module._begin

    def noted(share: Any) -> None:
        found.append(share)
        begin(share)

    module._begin = noted
    try:
        batch.state.begin()
        steps = module.batch_steps(bpy.context.scene)
        while not found:
            next(steps)
    finally:
        module._begin = begin
    return steps, found


@pytest.mark.parametrize(("kind", "end"), [("plain", "cancel"), ("baked", "close")])
def test_a_stop_ends_all_programs_and_leaves_nothing_half_done(
    batch, wired, own_face, code, kind, end
):
    wired.character.skin = own_face
    batch.chosen.use_blend = kind == "baked"
    for number in range(8):
        stubs.write_wav(batch.voices / f"more {number}.wav", stubs.speech_like(20.0))
    steps, shares = _started(batch, code)
    stop = time.monotonic() + 60
    while not batch.state.count("done") and time.monotonic() < stop:
        next(steps)
    assert 0 < batch.state.count("done") < 10
    if end == "cancel":
        batch.state.cancel = True
        with pytest.raises(code("core.errors").Cancelled):
            code("operators.asking").wait_for(steps)
    else:
        steps.close()
    assert all(share.exit_code() is not None for share in shares)
    assert not any(row.state == "running" for row in batch.state.rows)
    _no_leftovers(batch, [pid for share in shares for pid in share.pids])
    for name, content in files(batch.out).items():
        if name.endswith(".json"):
            assert json.loads(content)["numFrames"] > 0


def _no_leftovers(batch: Any, pids: list[int]) -> None:
    end = time.monotonic() + 20  # programs of programs end a little later
    while _children(pids) and time.monotonic() < end:
        time.sleep(0.05)
    assert not _children(pids)
    assert not [name for name in files(batch.out) if Path(name).name.startswith(".")]


def _children(pids: list[int]) -> list[str]:
    """Programs that the given ones have started, as far as this system shows them."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        if parent in pids:
            found.append(path.parent.name)
    return found


def test_common_settings_and_multipliers_reach_the_files(batch, wired):
    exports = wired.scene.facewright.exports
    exports.use_scene_fps, exports.fps = False, 60
    run()
    plain = json.loads(files(batch.out)["line 1_bsweight.json"])
    assert (plain["exportFps"], plain["numFrames"]) == (60, 36)
    gain = wired.scene.facewright.weights.gains.add()
    gain.name, gain.multiplier = "jawOpen", 0.5
    run()  # a changed setting has them made again
    half = json.loads(files(batch.out)["line 1_bsweight.json"])
    at = plain["facsNames"].index("jawOpen")
    expected = [row[at] / 2 for row in plain["weightMat"]]
    assert max(expected) > 0.01
    assert [row[at] for row in half["weightMat"]] == pytest.approx(expected, abs=2e-6)


def test_what_is_saved_for_a_farm_gives_the_same_files(batch, wired, code, tmp_path):
    wired.pipeline.skin_strength = 0.75
    wired.pipeline.emotion.set_values((0.0, 0.5) + (0.0,) * 8)
    run()
    path = tmp_path / "für die farm"
    assert bpy.ops.facewright.batch_save(filepath=str(path)) == {"FINISHED"}
    packages = [str(code("providers.wheels").find_site_folder())]
    words = code("operators.batch_shares").plain_words(packages)
    words += ["--manifest", f"{path}.jsonl", "--order", f"{path}.json", "--out", f"{path}"]
    assert subprocess.run(words, check=False, timeout=120).returncode == 3
    assert files(path) == files(batch.out) and files(path)


def test_the_panel_shows_rows_failures_and_what_is_worth_knowing(batch, wired, code, key):
    panel = code("panels.batch")
    shown: list[str] = []

    def draw() -> list[str]:
        shown.clear()
        context = SimpleNamespace(
            scene=bpy.context.scene, window_manager=bpy.context.window_manager
        )
        panel.FACEWRIGHT_PT_batch.draw(SimpleNamespace(layout=Layout(shown)), context)
        listed = bpy.context.window_manager.facewright_batch
        for at, item in enumerate(listed.rows):
            self = SimpleNamespace()
            draw_row = panel.FACEWRIGHT_UL_batch.draw_item
            draw_row(self, context, Layout(shown), listed, item, 0, listed, "active", at)
        return shown

    assert "Animate Folder" in draw()
    wired.player.voice_source = "SAMPLE"
    key(1, joy=1.0)
    assert any("The emotion timeline belongs" in text for text in draw())
    run()
    assert {"Done", "Failed", "line 1.wav", "台詞 2.wav", "Open the Folder"} <= set(draw())
    assert any("broken.wav cannot be read" in text for text in draw())
    batch.state.begin()
    try:
        batch.state.text = "2 of 3"
        assert "2 of 3" in draw() and "Animate Folder" not in draw()
        assert bpy.ops.facewright.batch_cancel() == {"FINISHED"} and batch.state.cancel
    finally:
        batch.state.forget()
    with pytest.raises(RuntimeError, match="poll"):
        bpy.ops.facewright.batch_cancel()
