# SPDX-License-Identifier: GPL-3.0-or-later
"""The job templates of tools/farm give the same files as the command itself."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from batches import BATCH, LIMIT_S, ROOT, Ran, files_of, write_manifest

FARM = ROOT / "tools" / "farm"
PYTHON = os.environ.get("FACEWRIGHT_FARM", "")
NODE = os.environ.get("FACEWRIGHT_NODE", "") or shutil.which("node")
ROWS = 5
needs_farm = pytest.mark.skipif(not PYTHON, reason="a farm's programs are beside one Python only")


class Job:
    """Five voices, one of them bad, an order, and the files of the command itself."""

    def __init__(self, stubs, folder: Path) -> None:
        self.folder = folder
        stubs.make_stub_model(folder / "model")
        self.order = folder / "order 1.json"
        self.order.write_text(
            json.dumps({"facewright_batch": 1, "model": "model", "fps": 30}), "utf-8"
        )
        rows = []
        for number in range(ROWS - 1):
            stubs.write_wav(folder / f"声 {number}.wav", stubs.speech_like(0.4, seed=number))
            rows.append({"audio": f"声 {number}.wav", "output": f"scene 1/声 {number}"})
        rows.insert(2, {"audio": "missing.wav"})
        self.manifest = write_manifest(folder / "rows 1.jsonl", rows)
        self.words = ("--manifest", self.manifest, "--order", self.order, "--device", "cpu")
        ran = Ran(*self.words, "--out", folder / "direct", "--jobs", 1)
        assert ran.states() == {"done": ROWS - 1, "failed": 1}
        self.files = files_of(folder / "direct")


@pytest.fixture(scope="module")
def job(stubs, tmp_path_factory):
    return Job(stubs, tmp_path_factory.mktemp("farm 農場"))


def openjd(*words: object) -> subprocess.CompletedProcess[str]:
    command = [PYTHON, "-m", "openjd", *(str(word) for word in words)]
    return subprocess.run(
        command, capture_output=True, encoding="utf-8", timeout=LIMIT_S, check=False
    )


def run_template(job: Job, name: str, out: Path, **extra: object):
    parameters = {
        "Python": sys.executable, "Batch": BATCH, "Manifest": job.manifest, "Order": job.order,
        "OutputDir": out, "Rows": f"0-{ROWS - 1}", **extra,
    }  # fmt: skip
    words = [word for name, value in parameters.items() for word in ("-p", f"{name}={value}")]
    return openjd("run", FARM / name, "--step", "Report", "--run-dependencies", *words)


@needs_farm
@pytest.mark.parametrize("name", ["openjd_chunks.yaml", "openjd_rows.yaml"])
def test_open_job_description(job, tmp_path, name):
    checked = openjd("check", FARM / name)
    assert checked.returncode == 0, checked.stdout
    extra = {"ChunkSize": 2, "Jobs": 1} if "chunks" in name else {}
    ran = run_template(job, name, tmp_path / "out", **extra)
    assert files_of(tmp_path / "out") == job.files
    # The bad row fails the last step alone: rows after it were done
    assert ran.returncode != 0
    assert f"openjd_fail: {ROWS} of {ROWS} rows: {ROWS - 1} done, 1 failed" in ran.stdout
    assert "missing.wav does not exist" in ran.stdout
    assert ran.stdout.count("openjd_fail") == 1
    if not extra:
        return
    fine = run_template(job, name, tmp_path / "out", **extra, Rows="0-1")
    assert fine.returncode == 0, fine.stdout
    assert fine.stdout.count('"skipped"') == 2


@pytest.mark.skipif(not NODE, reason="there is no node")
def test_flamenco(job, tmp_path):
    settings = {
        "manifest": str(job.manifest), "order": str(job.order), "output": str(tmp_path / "out"),
        "rows": f"0-{ROWS - 1}", "chunk_size": 2, "jobs": 1, "options": "--device  cpu",
        "python": sys.executable, "batch": BATCH,
    }  # fmt: skip
    compiled = subprocess.run(
        [NODE, str(Path(__file__).with_name("flamenco.js")), str(FARM / "facewright_batch.js"),
         json.dumps(settings)],
        capture_output=True, encoding="utf-8", timeout=LIMIT_S, check=True,
    )  # fmt: skip
    found = json.loads(compiled.stdout)
    for setting in found["type"]["settings"]:
        assert set(setting) <= {
            "key",
            "type",
            "subtype",
            "default",
            "required",
            "visible",
            "description",
        }
        assert setting["type"] in ("string", "int32", "float", "bool")
        assert setting["description"]
    *tasks, report = found["tasks"]
    assert [task["name"] for task in tasks] == ["rows-0-1", "rows-2-3", "rows-4"]
    assert report["dependencies"] == [task["name"] for task in tasks]
    codes = []
    for task in (*tasks, report):
        (command,) = task["commands"]
        assert (command["name"], task["type"]) == ("exec", "misc")
        words = [command["parameters"]["exe"], *command["parameters"]["args"]]
        codes.append(subprocess.run(words, capture_output=True, timeout=LIMIT_S).returncode)
    assert codes == [0, 0, 0, 3]
    assert files_of(tmp_path / "out") == job.files


@needs_farm
def test_dask(job, tmp_path):
    words = [PYTHON, str(FARM / "dask_batch.py"), "--python", sys.executable, "--batch", BATCH,
             "--chunk", "2", "--", *map(str, job.words), "--jobs", "1",
             "--out", str(tmp_path / "out")]  # fmt: skip
    ran = subprocess.run(
        words, capture_output=True, encoding="utf-8", timeout=LIMIT_S, check=False, cwd=tmp_path
    )
    assert ran.returncode == 3, ran.stderr
    assert files_of(tmp_path / "out") == job.files
    assert f"{ROWS - 1} done, 1 failed" in ran.stderr
    states = [json.loads(line)["state"] for line in ran.stdout.splitlines() if line[0] == "{"]
    assert sorted(states[:ROWS]) == ["done"] * (ROWS - 1) + ["failed"]


def test_the_documented_line_for_opencue_runs(job, tmp_path):
    """OpenCue runs a line of the shell per chunk and puts its numbers in."""
    page = (ROOT / "docs" / "batch.md").read_text("utf-8")
    line = next(line for line in page.splitlines() if "#FRAME_START#" in line)
    for place, value in {
        "PYTHON": sys.executable, "BATCH": BATCH, "ROWS.jsonl": job.manifest,
        "ORDER.json": job.order, "FOLDER": tmp_path / "out", "#FRAME_START#": 0, "#FRAME_END#": 1,
    }.items():  # fmt: skip
        assert place in line
        line = line.replace(place, f'"{value}"' if isinstance(value, str | Path) else str(value))
    done = subprocess.run(["sh", "-c", line], capture_output=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, done.stderr
    made = files_of(tmp_path / "out")
    assert len(made) == 2
    assert made == {name: job.files[name] for name in made}
