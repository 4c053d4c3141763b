# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel's batch: real programs without a window, what they make, and what becomes of faults."""

from __future__ import annotations

import json
import os
import time
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
