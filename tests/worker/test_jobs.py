# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs of the table through a real worker give what the engine gives when it is called."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from facewright.core import pipeline, take_file
from facewright.core.take import Request
from facewright.core.voice import audio
from facewright.providers.local import LocalWorker
from facewright.providers.process import ENTRY

THREADS = 1


@pytest.fixture(scope="module")
def model(stubs: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("models") / "Größe \u4e2d"
    stubs.make_stub_model(folder)
    return str(folder)


@pytest.fixture(scope="module")
def voice(stubs: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("voices") / "Stimme \u4e2d.wav"
    return str(stubs.write_wav(path, stubs.speech_like(1.5, 22050), 22050))


@pytest.fixture
def worker(make: Any) -> LocalWorker:
    """The worker as it is shipped."""
    return make.ready(ENTRY, threads=THREADS)


def run(make: Any, worker: LocalWorker, job: str, args: Any, arrays: Any = None) -> Any:
    ticket = worker.submit(job, args, arrays)
    make.finish(worker, ticket)
    return ticket


def test_probe(make: Any, worker: LocalWorker, voice: str) -> None:
    ticket = run(make, worker, "probe", {"voice": {"path": voice}})
    assert ticket.state == "done", ticket.error
    expected = audio.probe_voice(audio.Voice(path=voice))
    assert ticket.result == {
        "rate": 22050,
        "channels": 1,
        "duration_s": expected.duration_s,
        "sha256": expected.sha256,
    }
    np.testing.assert_array_equal(ticket.arrays["envelope"], expected.envelope)


def test_probe_of_bytes(make: Any, worker: LocalWorker, voice: str) -> None:
    data = np.frombuffer(Path(voice).read_bytes(), dtype=np.uint8)
    args = {"voice": {"name": "packed.wav"}}
    packed = run(make, worker, "probe", args, {"voice_bytes": data})
    file = run(make, worker, "probe", {"voice": {"path": voice}})
    assert packed.state == file.state == "done", packed.error
    np.testing.assert_array_equal(packed.arrays["envelope"], file.arrays["envelope"])


def test_animate_equals_the_engine(
    make: Any, worker: LocalWorker, model: str, voice: str, tmp_path: Path
) -> None:
    settings = {"upper_face_strength": 0.7}
    place = {"path": voice, "start_s": 0.25, "end_s": 1.25}
    take_path = tmp_path / "take \u4e2d.npz"
    args = {
        "voice": place,
        "model": model,
        "fps": [30000, 1001],
        "settings": settings,
        "take_path": str(take_path),
    }
    ticket = run(make, worker, "animate", args)
    assert ticket.state == "done", ticket.error
    expected = pipeline.animate(
        Request(
            audio.Voice(path=voice, start_s=0.25, end_s=1.25),
            model,
            Fraction(30000, 1001),
            settings,
            threads=THREADS,
        )
    )
    face, result = expected.face, ticket.result
    for name in ("weights", "jaw", "eyes"):
        np.testing.assert_array_equal(ticket.arrays[name], getattr(face, name))
    assert ticket.arrays["weights"].std() > 0
    assert result["names"] == list(face.names)
    assert result["fps"] == [30000, 1001]
    assert result["duration_s"] == face.duration_s
    assert result["notices"] == list(face.notices)
    assert result["voice"] == {"name": expected.voice_name, "sha256": expected.voice_sha256}
    assert result["model"] == {
        "name": expected.model_name,
        "sha256": expected.model_sha256,
        "identity": expected.identity,
    }
    assert (result["device"], result["rigs"]) == ("cpu", {"skin": {}, "tongue": {}})
    speed = 1000 / result["network_ms_per_frame"] / (30000 / 1001)
    assert result["network_real_time"] == pytest.approx(speed)
    assert result["emotion_names"] == list(expected.emotion_names)
    np.testing.assert_array_equal(ticket.arrays["emotion_values"], expected.emotion.values)
    np.testing.assert_array_equal(ticket.arrays["emotion_times"], expected.emotion.times_s)
    assert result["settings"] == expected.settings.to_mapping()
    assert result["timings"].keys() == dict(expected.timings).keys()
    kept = take_file.read_take(take_path)
    np.testing.assert_array_equal(kept.face.weights, face.weights)
    again = run(make, worker, "animate", args)
    np.testing.assert_array_equal(again.arrays["weights"], face.weights)


def test_a_take_that_cannot_be_kept_costs_no_face(
    make: Any, worker: LocalWorker, model: str, voice: str, tmp_path: Path
) -> None:
    args = {"voice": {"path": voice}, "model": model, "fps": [30, 1]}
    place = tmp_path / "gone" / "take.npz"
    ticket = run(make, worker, "animate", {**args, "take_path": str(place)})
    assert ticket.state == "done", ticket.error
    assert len(ticket.arrays["weights"])
    (notice,) = (n for n in ticket.result["notices"] if "take" in n)
    assert "was not kept" in notice and "gone does not exist" in notice


def test_a_model_that_changed_is_read_again(
    make: Any, worker: LocalWorker, stubs: ModuleType, voice: str, tmp_path: Path
) -> None:
    args = {"voice": {"path": voice}, "model": str(tmp_path / "model"), "fps": [30, 1]}
    weights = []
    for seed in (1, 2):
        stubs.make_stub_model(tmp_path / "model", seed=seed)
        ticket = run(make, worker, "animate", args)
        assert ticket.state == "done", ticket.error
        weights.append(ticket.arrays["weights"])
    assert not np.array_equal(*weights)


def test_what_the_user_can_mend_is_said(
    make: Any, worker: LocalWorker, model: str, voice: str, tmp_path: Path
) -> None:
    good = {"voice": {"path": voice}, "model": model, "fps": [30, 1]}
    for change, text in (
        ({"voice": {"path": str(tmp_path / "moon.wav")}}, "moon.wav"),
        ({"model": str(tmp_path / "nowhere")}, "nowhere"),
        ({"settings": {"no_such_thing": 1.0}}, "no_such_thing"),
        ({"fps": [30]}, "fps"),
        ({"speed": 3}, "speed"),
    ):
        ticket = run(make, worker, "animate", {**good, **change})
        assert (ticket.state, ticket.kind) == ("failed", "user"), ticket
        assert text in ticket.error


def test_cancel_while_animating(
    make: Any, worker: LocalWorker, model: str, stubs: ModuleType, tmp_path: Path
) -> None:
    path = stubs.write_wav(tmp_path / "long.wav", stubs.speech_like(300.0))
    pid = worker.pid
    args = {"voice": {"path": str(path)}, "model": model, "fps": [60, 1]}
    ticket = worker.submit("animate", {**args, "take_path": str(tmp_path / "take.npz")})
    make.wait_until(lambda: ticket.progress > 0.05, worker.poll)
    worker.cancel(ticket)
    make.finish(worker, ticket)
    assert ticket.state == "cancelled"
    assert worker.pid == pid
    assert not (tmp_path / "take.npz").exists()
