# SPDX-License-Identifier: GPL-3.0-or-later
"""The point caches that "animate" and "redo" write: the engine's geometry, whole or not at all."""

from __future__ import annotations

import struct
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from facewright.core import take_file
from facewright.core.face.stages import skin_vertices, tongue_vertices
from facewright.core.models.model import load_model
from facewright.core.motion import at_rate
from facewright.providers.local import LocalWorker
from facewright.providers.process import ENTRY


@pytest.fixture(scope="module")
def model(stubs: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(stubs.make_stub_model(tmp_path_factory.mktemp("models") / "Größe \u4e2d").folder)


@pytest.fixture(scope="module")
def voice(stubs: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("voices") / "Stimme \u4e2d.wav"
    return str(stubs.write_wav(path, stubs.speech_like(1.5)))


@pytest.fixture
def worker(make: Any) -> LocalWorker:
    """The worker as it is shipped."""
    return make.ready(ENTRY, threads=1)


@pytest.fixture
def job(model: str, voice: str, tmp_path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arguments and arrays of "animate" with a cache for skin and tongue."""
    data = load_model(model).data
    args = {
        "voice": {"path": voice},
        "model": model,
        "fps": [25, 1],
        "take_path": str(tmp_path / "take.npz"),
        "workbench": "face",
        "geometry": [
            {"path": str(tmp_path / "skin.pc2"), "region": "skin"},
            {"path": str(tmp_path / "tongue.pc2"), "region": "tongue"},
        ],
    }
    return args, {"rest_0": data.skin_neutral, "rest_1": data.tongue_neutral}


def run(make: Any, worker: LocalWorker, name: str, args: Any, arrays: Any) -> Any:
    ticket = worker.submit(name, args, arrays)
    make.finish(worker, ticket)
    return ticket


def frames(path: Path) -> Any:
    data = path.read_bytes()
    points, _start, _step, count = struct.unpack_from("<iffi", data, 16)
    return np.frombuffer(data, "<f4", offset=32).reshape(count, points, 3)


def left(folder: Path) -> list[str]:
    """What a job has left behind, beside the worker's log."""
    return sorted(path.name for path in folder.iterdir() if path.name != "logs")


def assert_engines(folder: Path, model: str, take_path: Path) -> None:
    """The files hold what the engine's own stages say of the take."""
    take, known = take_file.read_take(take_path), load_model(model)
    motion = at_rate(take.motion, take.face.fps, take.face.frame_count)
    for name, vertices in (("skin", skin_vertices), ("tongue", tongue_vertices)):
        expected = np.concatenate(list(vertices(known, motion, take.settings)))
        np.testing.assert_allclose(frames(folder / f"{name}.pc2"), expected, atol=1e-5)


def test_animate_then_redo_with_a_moved_slider(
    make: Any, worker: LocalWorker, model: str, tmp_path: Path, job: Any
) -> None:
    args, arrays = job
    ticket = run(make, worker, "animate", args, arrays)
    assert ticket.state == "done", ticket.error
    assert_engines(tmp_path, model, tmp_path / "take.npz")
    before = frames(tmp_path / "skin.pc2")
    again = {
        "workbench": "face",
        "settings": {"lower_face_strength": 1.7},
        "take_out": str(tmp_path / "second.npz"),
        "geometry": args["geometry"],
    }
    ticket = run(make, worker, "redo", again, arrays)
    assert ticket.state == "done", ticket.error
    assert_engines(tmp_path, model, tmp_path / "second.npz")
    assert np.abs(frames(tmp_path / "skin.pc2") - before).max() > 1e-3


def test_what_cannot_be_written_fails_the_job_and_leaves_nothing(
    make: Any, worker: LocalWorker, tmp_path: Path, job: Any
) -> None:
    args, arrays = job
    args["geometry"][1]["path"] = str(tmp_path / "gone" / "tongue.pc2")
    ticket = run(make, worker, "animate", args, arrays)
    assert (ticket.state, ticket.kind) == ("failed", "user")
    assert "gone does not exist" in ticket.error
    assert left(tmp_path) == []


def test_a_mesh_that_does_not_fit_is_named(
    make: Any, worker: LocalWorker, tmp_path: Path, job: Any
) -> None:
    args, arrays = job
    ticket = run(make, worker, "animate", args, {**arrays, "rest_0": arrays["rest_1"]})
    assert (ticket.state, ticket.kind) == ("failed", "user")
    assert "has 24 vertices" in ticket.error and "180 of the skin" in ticket.error
    ticket = run(make, worker, "animate", args, {"rest_0": arrays["rest_0"]})
    assert "'rest_1'" in ticket.error
    assert left(tmp_path) == []


def test_cancelled_while_vertices_are_written(
    make: Any, worker: LocalWorker, stubs: ModuleType, tmp_path: Path, job: Any
) -> None:
    args, arrays = job
    long = stubs.write_wav(tmp_path / "long.wav", stubs.speech_like(100.0))
    args["voice"]["path"] = str(long)
    del args["geometry"][1]
    ticket = worker.submit("animate", {**args, "fps": [120, 1]}, {"rest_0": arrays["rest_0"]})
    make.wait_until(lambda: ticket.stage == "Writing the vertices", worker.poll)
    worker.cancel(ticket)
    make.finish(worker, ticket)
    assert ticket.state == "cancelled"
    assert left(tmp_path) == ["long.wav"]
