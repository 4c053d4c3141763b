# SPDX-License-Identifier: GPL-3.0-or-later
"""``facewright batch`` inside Blender: rows baked on a character, each from the same beginning."""

from __future__ import annotations

import json
import os
from pathlib import Path

import bpy
import pytest
import stubs
from makers import curves_of

ENDS = (".blend", ".fbx", "_bsweight.json")
GOOD = ("line 1.wav", "台詞 2.wav")


@pytest.fixture
def command(command):
    """Run ``facewright batch ...``: the exit code, the rows' results and what stderr got."""

    def run(*words: str):
        status, said, errors = command("batch", *words)
        results = [json.loads(x) for x in said.splitlines() if x.startswith('{"row": ')]
        return status, results, errors

    return run


@pytest.fixture
def voices(tmp_path):
    folder = tmp_path / "my voices"
    folder.mkdir()
    for place, name in enumerate(GOOD):
        stubs.write_wav(folder / name, stubs.speech_like(0.5 + 0.2 * place))
    (folder / "broken.wav").write_bytes(b"RIFF no sound at all")
    return folder


@pytest.fixture
def blend(own_face, wired, stub, tmp_path):
    """A saved file with a face that a pipeline drives."""
    wired.character.skin = own_face
    wired.pipeline.model = str(stub.folder)
    wired.pipeline.skin_strength = 1.0
    path = tmp_path / "scène" / "face.blend"
    path.parent.mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(path), check_existing=False)
    return path


@pytest.fixture
def words(voices, blend, stub, tmp_path):
    out = tmp_path / "out put"
    return ["--folder", str(voices), "--out", str(out), "--model", str(stub.folder), "--fps", "30"]


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out put"


def stamps(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("*.*") if path.is_file()}


def test_rows_are_baked_and_bad_ones_give_3(command, words, out, blend):
    status, results, _errors = command(*words, "--format", "blend", "fbx", "json")
    assert status == 3
    told = {Path(one["audio"]).name: one for one in results}
    assert {name: one["state"] for name, one in told.items()} == {
        "broken.wav": "failed", **dict.fromkeys(GOOD, "done")
    }  # fmt: skip
    assert "broken.wav" in told["broken.wav"]["message"]
    wanted = {f"{Path(name).stem}{end}" for name in GOOD for end in ENDS}
    assert {path.name for path in out.iterdir()} == {*wanted, "report.jsonl", ".facewright"}
    assert not (blend.parent / "facewright_takes").exists()
    for place, name in enumerate(GOOD):
        bpy.ops.wm.open_mainfile(filepath=str(out / f"{Path(name).stem}.blend"))
        keys = bpy.data.objects["Face"].data.shape_keys
        curve = curves_of(keys)['key_blocks["JawOpen"].value', 0]
        assert len(curve.keyframe_points) == round(30 * (0.5 + 0.2 * place))
        assert [action.name for action in bpy.data.actions] == [keys.animation_data.action.name]
        player = bpy.context.scene.facewright.players[0]
        assert Path(bpy.path.abspath(player.voice_path)).name == name
        weights = json.loads((out / f"{Path(name).stem}_bsweight.json").read_text(encoding="utf-8"))
        at = weights["facsNames"].index("jawOpen")
        keyed = [point.co[1] for point in curve.keyframe_points]
        assert keyed == pytest.approx([row[at] for row in weights["weightMat"]], abs=1e-5)


def test_fbx_comes_back_with_its_animation(command, words, out):
    assert command(*words, "--rows", "1", "--format", "fbx")[0] == 0
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    bpy.ops.import_scene.fbx(filepath=str(out / "line 1.fbx"))
    keys = next(key for key in bpy.data.shape_keys)
    assert any("JawOpen" in path for path, _index in curves_of(keys))


def test_gains_change_exported_meshes_and_not_the_blend(command, words, out, tmp_path):
    order = tmp_path / "order.json"
    values = {"facewright_batch": 1, "gains": {"schema": 1, "multipliers": {"jawOpen": 0.5}}}
    order.write_text(json.dumps(values), encoding="utf-8")
    words = [*words, "--rows", "1", "--order", str(order), "--format", "blend", "fbx", "glb"]
    status, results, _errors = command(*words)
    assert status == 0, results
    assert (out / "line 1.glb").read_bytes()[:4] == b"glTF"
    bpy.ops.wm.open_mainfile(filepath=str(out / "line 1.blend"))
    keys = bpy.data.objects["Face"].data.shape_keys
    own = curves_of(keys)['key_blocks["JawOpen"].value', 0]
    bpy.ops.import_scene.fbx(filepath=str(out / "line 1.fbx"), anim_offset=0.0)
    other = next(key for key in bpy.data.shape_keys if key != keys)
    half = curves_of(other)['key_blocks["JawOpen"].value', 0]
    for frame in range(2, 14):
        assert half.evaluate(frame) == pytest.approx(own.evaluate(frame) / 2, abs=1e-3)


def test_what_is_up_to_date_is_left_and_what_is_not_is_made_again(command, words, out, blend):
    words = [*words, "--rows", "1-2", "--format", "blend", "json"]
    assert command(*words)[0] == 0
    before = stamps(out)
    status, results, _errors = command(*words)
    assert status == 0 and {one["state"] for one in results} == {"skipped"}
    assert {**before, **stamps(out)} == {**before, "report.jsonl": stamps(out)["report.jsonl"]}
    assert {one["state"] for one in command(*words, "--redo")[1]} == {"done"}
    changed = command(*words, "--set", "skin_strength=0.5")[1]
    assert {one["state"] for one in changed} == {"done"}
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    bpy.data.objects["Face"].location.x = 1.0
    bpy.ops.wm.save_as_mainfile(filepath=str(blend), check_existing=False)
    moved = command(*words, "--set", "skin_strength=0.5")[1]
    assert {one["state"] for one in moved} == {"done"}


def test_rows_do_not_know_of_each_other(command, words, tmp_path, out):
    """In any order and alone: the same bytes of JSON, the same curves in the .blend."""
    assert command(*words, "--format", "blend", "json")[0] == 3
    alone = tmp_path / "alone"
    mine = [*words, "--rows", "2", "--format", "blend", "json", "--out", str(alone)]
    assert command(*mine)[0] == 0
    name = Path(GOOD[1]).stem
    assert (alone / f"{name}_bsweight.json").read_bytes() == (
        out / f"{name}_bsweight.json"
    ).read_bytes()
    seen = []
    for folder in (out, alone):
        bpy.ops.wm.open_mainfile(filepath=str(folder / f"{name}.blend"))
        keys = bpy.data.objects["Face"].data.shape_keys
        curves = {
            path: [tuple(point.co) for point in curve.keyframe_points]
            for path, curve in curves_of(keys).items()
        }
        strips = bpy.context.scene.sequence_editor
        seen.append((curves, len(bpy.data.sounds), bool(strips), bpy.context.scene.frame_end))
    assert seen[0] == seen[1]


def test_the_command_without_blender_gives_the_same_bytes(command, words, out, batch_files, stub):
    assert command(*words, "--rows", "1-2", "--format", "json")[0] == 0
    plain = batch_files(*words, "--rows", "1-2", "--format", "json")
    assert plain == {path.name: path.read_bytes() for path in out.glob("*.json")}


@pytest.fixture
def batch_files(code, tmp_path):
    """The files that the command without Blender makes of the same words."""
    import subprocess

    def run(*words: str) -> dict[str, bytes]:
        folder = tmp_path / "plain"
        packages = code("providers.wheels").find_site_folder()
        start = code("operators.batch_shares").plain_words([str(packages)])
        subprocess.run([*start, *words, "--out", str(folder)], check=True, timeout=120)
        return {path.name: path.read_bytes() for path in folder.glob("*.json")}

    return run


def test_a_row_may_name_its_own_character_and_file(command, words, blend, voices, tmp_path, out):
    bpy.data.objects["Face"].name = "Twin"
    other = tmp_path / "other.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(other), copy=True)
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    rows = [
        {"audio": str(voices / GOOD[0]), "output": "a/own", "blend": "other.blend",
         "character": "Twin"},
        {"audio": str(voices / GOOD[0]), "output": "usual"},
        {"audio": str(voices / GOOD[0]), "output": "nobody", "character": "Twin"},
        {"audio": str(voices / GOOD[0]), "output": "no file", "blend": "missing.blend"},
    ]  # fmt: skip
    manifest = tmp_path / "rows.jsonl"
    manifest.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    mine = ["--manifest", str(manifest), *words[2:], "--format", "blend"]
    status, results, _errors = command(*mine)
    assert status == 3
    assert [one["state"] for one in results] == ["done", "done", "failed", "failed"]
    assert "has no object 'Twin'" in results[2]["message"]
    assert "missing.blend does not exist" in results[3]["message"]
    bpy.ops.wm.open_mainfile(filepath=str(out / "a" / "own.blend"))
    assert curves_of(bpy.data.objects["Twin"].data.shape_keys)


def test_paths_in_a_saved_blend_count_from_where_it_is(command, words, blend, voices, out):
    image = blend.parent / "skin.png"
    picture = bpy.data.images.new("skin", 4, 4)
    picture.filepath_raw, picture.file_format, picture.use_fake_user = str(image), "PNG", True
    picture.save()
    picture.filepath = "//skin.png"
    bpy.ops.wm.save_as_mainfile(filepath=str(blend), check_existing=False)
    assert command(*words, "--rows", "1", "--format", "blend")[0] == 0
    bpy.ops.wm.open_mainfile(filepath=str(out / "line 1.blend"))
    kept = bpy.data.images["skin"].filepath
    assert kept.startswith("//") and Path(bpy.path.abspath(kept)).resolve() == image.resolve()


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (["--object", "Nobody"], "has no object 'Nobody'"),
        (["--format", "gif"], "no format called 'gif'"),
        (["--rows", "9"], "There is no row 9"),
        (["--scene", "Other"], "has no scene 'Other'"),
        (["--threads", "-1"], "cannot be negative"),
        (["--file", "/nowhere/x.blend"], "/nowhere/x.blend does not exist"),
        (["--model", "/nowhere"], "model folder /nowhere does not exist"),
        (["--set", "nonsense=1"], "names no parameter"),
    ],
)
def test_mistakes_are_one_sentence(command, words, more, expected):
    status, results, errors = command(*words, *more)
    said = " ".join(one["message"] for one in results) + errors
    assert expected in said and "Traceback" not in said
    assert status == (3 if results else 1)


def test_the_scene_that_never_was_saved_is_baked_as_it_is(command, wired, own_face, voices, out,
                                                          stub):  # fmt: skip
    wired.character.skin = own_face
    words = ["--folder", str(voices), "--out", str(out), "--model", str(stub.folder)]
    status, results, _errors = command(*words, "--rows", "1-2", "--format", "blend")
    assert (status, [one["state"] for one in results]) == (0, ["done", "done"])


def test_places_that_cannot_be_written_cost_their_row(command, words, voices, out, tmp_path):
    out.mkdir()
    (out / "taken").write_text("")
    (out / "plain.blend").mkdir()
    rows = [
        {"audio": str(voices / GOOD[0]), "output": name}
        for name in ("taken/line", "plain", "good")
    ]  # fmt: skip
    manifest = tmp_path / "rows.jsonl"
    manifest.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    mine = ["--manifest", str(manifest), *words[2:], "--format", "blend"]
    status, results, _errors = command(*mine)
    assert (status, [one["state"] for one in results]) == (3, ["failed", "failed", "done"])
    assert all("cannot be" in one["message"] for one in results[:2])
    assert {path.name for path in out.glob("*")} == {
        "taken", "plain.blend", "good.blend", "report.jsonl", ".facewright"
    }  # fmt: skip


@pytest.mark.skipif(os.name == "nt", reason="Windows limits no file sizes")
@pytest.mark.parametrize("kind", ["blend", "fbx", "usdc", "glb"])
def test_a_full_disk_is_one_sentence_and_leaves_nothing(command, words, out, kind):
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, limits[1]))
    try:
        status, results, _errors = command(*words, "--rows", "1", "--format", kind)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (status, results[0]["state"]) == (3, "failed")
    said = results[0]["message"]
    assert f"line 1.{kind} cannot be" in said or f"line 1.{kind} is " in said, said
    assert "Traceback" not in said and ".part" not in said
    assert {path.name for path in out.iterdir()} == {"report.jsonl", ".facewright"}
    assert not list((out / ".facewright" / "work").iterdir())
    assert command(*words, "--rows", "1", "--format", kind)[0] == 0


def test_a_life_line_that_is_cut_stops_it_and_leaves_nothing_half_done(
    command, words, out, code, monkeypatch
):
    monkeypatch.setattr(code("core.life_line"), "is_cut", lambda: True)
    status, results, errors = command(*words, "--life-line", "--format", "blend")
    assert (status, results) == (1, [])
    assert errors.startswith("Error: Stopped. What is done stays")
    assert {path.name for path in out.iterdir()} == {".facewright"}
    assert not list((out / ".facewright" / "work").iterdir())
