# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches as people start them: two hundred voices, ten of them bad, killed and started again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from batches import (
    Ran,
    bad_voices,
    command,
    files_of,
    leftovers,
    results,
    write_manifest,
)

GOOD, BAD = 190, 10
on_unix = pytest.mark.skipif(os.name == "nt", reason="needs signals or limits of Unix")


class Material:
    """Two hundred voices, ten of them bad, as a manifest; a cheap model; the same for each test."""

    def __init__(self, stubs, folder: Path) -> None:
        self.folder, self.voices = folder, folder / "声 と 音"
        self.voices.mkdir()
        self.model = stubs.make_stub_model(folder / "model").folder
        self.says = bad_voices(stubs, self.voices)
        names = []
        for number in range(GOOD):
            name = f"line {number}.wav" if number % 3 else f"せりふ {number}.wav"
            samples = stubs.speech_like(0.3 + 0.02 * (number % 10), seed=number)
            stubs.write_wav(self.voices / name, samples)
            names.append(name)
        for place, name in enumerate(self.says):
            names.insert(19 * place, name)
        nan = np.full(8000, np.nan)
        nan[1000:] = 0.1
        stubs.write_wav(self.voices / "line 1.wav", nan, bits=32)  # used, and told
        cut = (self.voices / "line 2.wav").read_bytes()[:-3001]
        (self.voices / "line 2.wav").write_bytes(cut)
        rows = [{"audio": f"{self.voices.name}/{name}"} for name in names]
        self.manifest = write_manifest(folder / "rows.jsonl", rows)
        self.out = folder / "out"
        self.words = ("--manifest", self.manifest, "--model", self.model, "--device", "cpu")

    def run(self, *words, out=None, shell=""):
        return Ran(*self.words, "--out", out or self.out, *words, shell=shell)


@pytest.fixture(scope="module")
def material(stubs, tmp_path_factory):
    return Material(stubs, tmp_path_factory.mktemp("batch"))


@pytest.fixture(scope="module")
def first(material):
    """One whole run, which nobody disturbed."""
    return material.run("--jobs", 2)


def test_bad_voices_are_named_and_all_others_are_done(material, first):
    assert first.code == 3
    assert first.states() == {"done": GOOD, "failed": BAD}
    assert len(files_of(material.out)) == GOOD
    assert not leftovers(material.out)
    by_audio = {Path(one["audio"]).name: one for one in first.results.values()}
    for name, says in material.says.items():
        message = by_audio[name]["message"]
        assert name in message
        assert says in message
        assert "\n" not in message and "Traceback" not in message
        assert not by_audio[name]["files"]
    assert "not numbers" in by_audio["line 1.wav"]["notices"][0]
    assert "shorter than its header says" in by_audio["line 2.wav"]["notices"][0]
    assert set(by_audio["せりふ 0.wav"]["files"]) == {"せりふ 0_bsweight.json"}


def test_lines_for_farms_are_said(first):
    lines = first.out.splitlines()
    shares = [float(line.split()[1]) for line in lines if line.startswith("openjd_progress: ")]
    assert shares == sorted(shares)
    assert shares[-1] == 100.0
    assert lines[-1] == f"openjd_fail: 200 of 200 rows: {GOOD} done, {BAD} failed"
    assert f"200 of 200 rows: {GOOD} done, {BAD} failed" in first.err


def test_every_line_is_kept_in_the_report(material, first):
    lines = (material.out / "report.jsonl").read_text("utf-8").splitlines()
    assert {json.loads(line)["output"] for line in lines[:200]} == set(first.results)


def test_started_again_everything_is_up_to_date(material, first):
    before = {path: path.stat().st_mtime_ns for path in material.out.glob("*.json")}
    again = material.run("--jobs", 1)
    assert again.code == 3
    assert again.states() == {"skipped": GOOD, "failed": BAD}
    assert {path: path.stat().st_mtime_ns for path in material.out.glob("*.json")} == before


def test_the_report_verb_judges_the_whole_manifest(material, first):
    told = Ran("report", *material.words, "--out", material.out)
    assert told.code == 3
    assert told.states() == {"failed": BAD}
    assert f"{GOOD} done, {BAD} failed" in told.err
    other = Ran("report", *material.words, "--out", material.out, "--fps", "24")
    assert other.code == 3
    assert other.states() == {"missing": 198, "failed": 2}  # two have no bytes at all
    good = ",".join(str(r["row"]) for r in first.results.values() if r["state"] == "done")
    assert Ran("report", *material.words, "--out", material.out, "--rows", good).code == 0
    assert Ran("report", *material.words, "--out", material.out, "--no-fail").code == 0


def test_one_process_or_several_give_the_same_bytes_as_a_farms_chunks(material, first, tmp_path):
    for rows in ("0-9", "10-28:2"):
        ran = material.run("--jobs", 1, "--rows", rows, "--no-fail", out=tmp_path)
        assert ran.code == 0
        assert "openjd_fail" not in ran.out
    mine, whole = files_of(tmp_path), files_of(material.out)
    assert 15 < len(mine) < 21
    assert mine == {name: whole[name] for name in mine}


def test_a_changed_voice_or_order_is_done_again_and_nothing_else(material, first, stubs, tmp_path):
    voices = tmp_path / "voices"
    voices.mkdir()
    for number in (10, 11, 13, 14, 16):
        shutil.copy(material.voices / f"line {number}.wav", voices)
    words = ("--folder", voices, "--model", material.model, "--out", tmp_path / "out", "--jobs", 1)
    assert Ran(*words).states() == {"done": 5}
    os.utime(voices / "line 10.wav")  # touched without another byte
    stubs.write_wav(voices / "line 11.wav", stubs.speech_like(0.4, seed=999))
    (tmp_path / "out" / "line 13_bsweight.json").unlink()
    (tmp_path / "out" / "line 14_bsweight.json").write_bytes(b"cut")
    again = Ran(*words)
    assert again.code == 0
    assert {name for name, one in again.results.items() if one["state"] == "skipped"} == {
        "line 10", "line 16",
    }  # fmt: skip
    assert Ran(*words, "--set", "emotion_joy=0.5").states() == {"done": 5}


def children(pid):
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("victim", ["parent", "parent, asked to", "child"])
def test_killed_and_started_again_only_what_is_left_is_done(material, first, tmp_path, victim):
    words = command(*material.words, "--out", tmp_path, "--jobs", 2, "--rows", "0-49")
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        head = b"".join(process.stdout.readline() for _ in range(3 * 8))
        workers = children(process.pid)
        assert len(workers) == 2
        if victim == "child":
            os.kill(workers[0], signal.SIGKILL)
            rest = process.communicate()[0]
        else:
            process.send_signal(signal.SIGKILL if victim == "parent" else signal.SIGTERM)
            rest, err = process.communicate()
            end = time.monotonic() + 20
            while any(Path(f"/proc/{pid}").exists() for pid in workers):
                assert time.monotonic() < end, "processes outlive their parent"
                time.sleep(0.01)
    lines = results((head + rest).decode("utf-8").rpartition("\n")[0])
    good = sum(one["state"] == "done" for one in first.results.values() if one["row"] < 50)
    told = [one for one in lines.values() if one["state"] == "done"]
    if victim == "child":  # its row was tried again
        assert process.returncode == 3
        assert len(told) == good
    if victim == "parent, asked to":
        assert process.returncode == 1
        assert b"Stopped. What is done stays" in err
    again = material.run("--jobs", 2, "--rows", "0-49", out=tmp_path)
    assert again.states()["skipped"] >= len(told)
    assert again.states()["failed"] == 50 - good
    mine, whole = files_of(tmp_path), files_of(material.out)
    assert len(mine) == good
    assert mine == {name: whole[name] for name in mine}
    assert not leftovers(tmp_path)


def test_two_runs_at_once_do_not_spoil_each_other(material, first, tmp_path):
    words = command(*material.words, "--out", tmp_path, "--jobs", 1, "--rows", "0-49")
    both = [subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            for _ in range(2)]  # fmt: skip
    told = [results(process.communicate(timeout=60)[0].decode("utf-8")) for process in both]
    whole = files_of(material.out)
    assert [len(one) for one in told] == [50, 50]
    for one in told:
        assert {r["audio"] for r in one.values() if r["state"] == "failed"} == {
            r["audio"] for r in first.results.values() if r["state"] == "failed" and r["row"] < 50
        }  # fmt: skip
    mine = files_of(tmp_path)
    assert mine == {name: whole[name] for name in mine}
    assert len(mine) == sum(r["state"] != "failed" for r in told[0].values())
    assert not leftovers(tmp_path)


@on_unix
def test_a_full_disk_costs_the_rows_that_do_not_fit(material, stubs, tmp_path):
    voices = tmp_path / "voices"
    voices.mkdir()
    for number, seconds in enumerate((0.05, 2.0, 0.05, 3.0)):
        stubs.write_wav(voices / f"{number}.wav", stubs.speech_like(seconds))
    words = ("--folder", voices, "--model", material.model, "--out", tmp_path / "out", "--jobs", 1)
    ran = Ran(*words, shell="ulimit -f 32")  # no file may grow further, as on a full disk
    assert ran.code == 3
    assert [ran.results[str(n)]["state"] for n in range(4)] == ["done", "failed"] * 2
    assert "cannot be written" in ran.results["1"]["message"]
    assert "free space" in ran.results["1"]["message"]
    assert set(files_of(tmp_path / "out")) == {"0_bsweight.json", "2_bsweight.json"}
    assert not leftovers(tmp_path / "out")
    assert Ran(*words).states() == {"skipped": 2, "done": 2}


def test_places_that_cannot_be_written(material, stubs, tmp_path):
    voices = tmp_path / "voices"
    voices.mkdir()
    for name in "abc":
        stubs.write_wav(voices / f"{name}.wav", stubs.speech_like(0.3))
    (tmp_path / "file").write_text("")
    words = ("--folder", voices, "--model", material.model, "--jobs", 1, "--out")
    ran = Ran(*words, tmp_path / "file" / "out")
    assert ran.code == 1
    assert "cannot be made" in ran.err
    (tmp_path / "out" / "a_bsweight.json").mkdir(parents=True)
    (tmp_path / "out" / ".facewright" / "rows" / "b.json").mkdir(parents=True)
    ran = Ran(*words, tmp_path / "out")
    assert ran.code == 3
    assert [ran.results[name]["state"] for name in "abc"] == ["failed", "failed", "done"]
    assert "it is a folder" in ran.results["a"]["message"]
    assert "cannot be written" in ran.results["b"]["message"]
    assert not leftovers(tmp_path / "out")


def test_rows_have_outputs_settings_and_parts_of_their_own(material, tmp_path):
    audio = str(material.voices / "line 10.wav")
    manifest = write_manifest(
        tmp_path / "m.jsonl",
        [
            {"audio": audio, "output": "scene 1/朝", "formats": ["json", "csv"], "fps": 24},
            {"audio": audio, "start": 0.1, "end": 0.2},
            {"audio": audio, "settings": {"emotion_joy": 1.0}},
            {"audio": audio, "settings": {"emotion_joi": 1.0}},
            {"audio": audio, "identity": "nobody"},
            {"audio": audio, "emotion": {"preferred": [2] * 10}},
            {"audio": audio, "formats": ["blend"]},
            {"audio": audio, "formats": ["mp4"]},
        ],
    )
    ran = Ran(
        "--manifest", manifest, "--model", material.model, "--out", tmp_path / "out", "--jobs", 1
    )
    rows = sorted(ran.results.values(), key=lambda one: one["row"])
    assert [one["state"] for one in rows] == ["done"] * 3 + ["failed"] * 5
    made = files_of(tmp_path / "out")
    assert set(made) == {
        "scene 1/朝_bsweight.json", "scene 1/朝_livelink.csv",
        f"{rows[1]['output']}_bsweight.json", f"{rows[2]['output']}_bsweight.json",
    }  # fmt: skip
    counts = [json.loads(made[rows[n]["files"][0]])["numFrames"] for n in range(3)]
    assert counts[1] == 6  # a tenth of a second at 60 frames per second
    assert json.loads(made["scene 1/朝_bsweight.json"])["exportFps"] == 24
    for number, says in (
        (3, "emotion_joi"), (4, "no identity called 'nobody'"), (5, "between 0 and 1"),
        (6, "needs Blender"), (7, "no format called 'mp4'"),
    ):  # fmt: skip
        assert says in rows[number]["message"]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--rows", "200"), 1, "There is no row 200: the rows are 0 to 199."),
        (("--model", "/nowhere"), 1, "/nowhere does not exist"),
        (("--format", "blend"), 1, "needs Blender"),
        (("--order", "none.json"), 1, "none.json does not exist"),
        (("--set", "emotion_joi=1"), 1, "Did you mean emotion_joy?"),
        (("--set", "emotion_joy=7"), 1, "between 0 and 1"),
        (("--identity", "nobody", "--rows", "99-120"), 1, "no identity called 'nobody'"),
        (("--device", "abacus"), 1, "no processor called 'abacus'"),
        (("--jobs", "-1"), 1, "have to be positive"),
        (("--packages", "/nowhere"), 1, "/nowhere does not exist"),
        (("--fps", "0"), 1, "frame rate 0"),
        (("--folder", "x"), 2, "not allowed with argument"),
        (("--nonsense",), 2, "--nonsense"),
    ],
)  # fmt: skip
def test_what_concerns_all_rows_is_said_once(material, tmp_path, capsys, words, code, says):
    from facewright.worker import batch_command

    before = signal.getsignal(signal.SIGTERM)
    try:
        found = batch_command.run([*map(str, material.words), "--out", str(tmp_path), *words])
    finally:
        signal.signal(signal.SIGTERM, before)
    told = capsys.readouterr()
    assert found == code
    assert says in told.err
    assert "Traceback" not in told.err
    assert not files_of(tmp_path)
    if code == 1:
        assert f"openjd_fail: {told.err.split('Error: ', 1)[1].strip()}" in told.out


def test_terms_of_a_model_have_to_be_accepted(stubs, material, tmp_path):
    model = stubs.make_stub_model(tmp_path / "claire").folder
    info = json.loads((model / "network_info.json").read_text())
    info["id"]["actor"] = "claire"
    (model / "network_info.json").write_text(json.dumps(info))
    words = ("--manifest", material.manifest, "--rows", "0-1", "--out", tmp_path / "out",
             "--model", model, "--no-fail")  # fmt: skip
    ran = Ran(*words)
    assert ran.code == 1
    assert "NVIDIA Open Model License" in ran.err and "--accept-licence" in ran.err
    assert Ran(*words, "--accept-licence").code == 0


def test_the_built_in_models_are_found_and_agree_with_the_engine(material, tmp_path):
    """The same voice through the command, with emotion read from it, and through the core."""
    from fractions import Fraction

    from facewright.core.batch.order import Order, write_order
    from facewright.core.emotion.source import EmotionSource
    from facewright.core.exchange.weights_json import write_weights
    from facewright.core.pipeline import Request, animate
    from facewright.core.voice.audio import Voice

    voice = material.voices / "line 19.wav"
    order = Order(emotion=EmotionSource(model="built-in", mode="frames"), fps=Fraction(30))
    write_order(tmp_path / "order.json", order)
    manifest = write_manifest(tmp_path / "m.jsonl", [{"audio": str(voice)}])
    ran = Ran("--manifest", manifest, "--order", tmp_path / "order.json", "--out",
              tmp_path / "out", "--device", "cpu")  # fmt: skip
    assert ran.code == 0, ran.err
    models = Path(__file__).resolve().parents[2] / "models"
    take = animate(
        Request(
            Voice(str(voice)), models / "facewright", Fraction(30),
            emotion=EmotionSource(model=str(models / "facewright-emotion"), mode="frames"),
        )
    )  # fmt: skip
    write_weights(tmp_path / "engine.json", take.face, voice.name)
    mine = (tmp_path / "out" / "line 19_bsweight.json").read_bytes()
    found, wanted = json.loads(mine), json.loads((tmp_path / "engine.json").read_text())
    np.testing.assert_allclose(found["weightMat"], wanted["weightMat"], atol=2e-6)
    assert {k: v for k, v in found.items() if k not in ("weightMat", "rotations", "translations")}
