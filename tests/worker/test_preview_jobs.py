# SPDX-License-Identifier: GPL-3.0-or-later
"""Previews through a real worker: the take's frames, at once, and the take stays as it was."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from facewright.providers.local import LocalWorker
from facewright.providers.process import ENTRY

WEIGHT = 1e-4
PARTS = ("weights", "jaw", "eyes", "head")


@pytest.fixture(scope="module")
def folders(stubs: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    root = tmp_path_factory.mktemp("families")
    return {name: str(make(root / name).folder) for name, make in stubs.FAMILIES.items()}


@pytest.fixture(scope="module")
def voice(stubs: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("voices") / "voice.wav"
    return str(stubs.write_wav(path, stubs.speech_like(2.0)))


@pytest.fixture
def worker(make: Any) -> LocalWorker:
    return make.ready(ENTRY, threads=1)


def run(make: Any, worker: LocalWorker, job: str, args: Any, arrays: Any = None) -> Any:
    ticket = worker.submit(job, args, arrays)
    make.finish(worker, ticket)
    assert ticket.state == "done", ticket.error
    return ticket


def order(folder: str, voice: str, **changes: Any) -> dict[str, Any]:
    return {"voice": {"path": voice}, "model": folder, "fps": [30, 1], "workbench": "Ann",
            "settings": {"head_motion": True}, "device": "cpu", **changes}  # fmt: skip


def assert_frame(preview: Any, take: Any, frame: int) -> None:
    assert preview.result["stale"] is False
    assert preview.result["frame"] == frame
    for name in ("names", "fps", "duration_s", "emotion_names", "settings", "model", "device"):
        assert preview.result[name] == take.result[name], name
    assert preview.arrays.keys() == {*PARTS, "emotion_values"}
    for part in PARTS:
        found, expected = preview.arrays[part], take.arrays[part]
        assert found.shape == (1, *expected.shape[1:])
        np.testing.assert_allclose(found[0], expected[frame], rtol=0, atol=WEIGHT)
    assert preview.arrays["emotion_values"].shape == (1, take.arrays["emotion_values"].shape[1])


@pytest.mark.parametrize("family", ["regression", "diffusion"])
def test_a_moved_slider_is_seen_before_the_take_is_made_again(
    make: Any, worker: LocalWorker, folders: dict[str, str], voice: str, family: str
) -> None:
    asked = order(folders[family], voice)
    before = run(make, worker, "animate", asked)
    later = {**asked, "settings": {"head_motion": True, "skin_strength": 0.5}}
    previews = [run(make, worker, "preview", {**later, "frame": frame}) for frame in (0, 31, 59)]
    assert_frame(run(make, worker, "preview", {**asked, "frame": 31}), before, 31)
    after = run(make, worker, "redo", {"workbench": "Ann", "settings": later["settings"]})
    assert after.result["timings"]["network"] == 0.0
    for preview, frame in zip(previews, (0, 31, 59), strict=True):
        assert_frame(preview, after, frame)
    assert (previews[1].arrays["weights"][0] != before.arrays["weights"][31]).any()
    sooner = {**asked, "settings": {"head_motion": True, "input_strength": 0.3}}
    preview = run(make, worker, "preview", {**sooner, "frame": 31})
    if family == "diffusion":
        assert preview.result == {"stale": True, "frame": 31}
        assert not preview.arrays
    else:
        assert_frame(preview, run(make, worker, "animate", sooner), 31)


def test_a_preview_needs_neither_a_take_nor_the_voice_again(
    make: Any, worker: LocalWorker, folders: dict[str, str], voice: str
) -> None:
    packed = np.frombuffer(Path(voice).read_bytes(), np.uint8)
    asked = {**order(folders["regression"], voice), "voice": {"name": "packed"}}
    first = run(make, worker, "preview", {**asked, "frame": 7}, {"voice_bytes": packed})
    without = {name: value for name, value in asked.items() if name != "voice"}
    again = run(make, worker, "preview", {**without, "frame": 7})
    take = run(make, worker, "animate", order(folders["regression"], voice))
    for preview in (first, again):
        assert_frame(preview, take, 7)
    assert run(make, worker, "preview", {**without, "frame": 900}).result["frame"] == 59
    other = worker.submit("preview", {**without, "workbench": "Bob", "frame": 7})
    make.finish(worker, other)
    assert other.kind == "user"
    assert "no longer at hand" in other.error


def test_another_model_or_emotion_leaves_the_take_alone(
    make: Any, worker: LocalWorker, folders: dict[str, str], voice: str
) -> None:
    run(make, worker, "animate", order(folders["diffusion"], voice))
    other = order(folders["regression"], voice)
    preview = run(make, worker, "preview", {**other, "frame": 20})
    take = run(make, worker, "animate", {**other, "workbench": "Bob"})
    assert_frame(preview, take, 20)
    emotion = {"mode": "frames", "model": folders["emotion"]}
    stale = run(
        make, worker, "preview", {**order(folders["diffusion"], voice), "emotion": emotion,
                                  "frame": 3},
    )  # fmt: skip
    assert stale.result["stale"] is True
    again = run(make, worker, "redo", {"workbench": "Ann", "settings": {"skin_strength": 0.9}})
    assert again.result["timings"]["network"] == 0.0
    assert again.result["model"]["identity"] == "Claire"


def test_a_saved_take_serves_when_the_workbench_has_gone(
    make: Any, worker: LocalWorker, folders: dict[str, str], voice: str, tmp_path: Path
) -> None:
    path = str(tmp_path / "take.npz")
    asked = order(folders["diffusion"], voice)
    take = run(make, worker, "animate", {**asked, "take_path": path})
    fresh = make.ready(ENTRY, threads=1)
    assert_frame(run(make, fresh, "preview", {**asked, "take_path": path, "frame": 40}), take, 40)
    again = run(make, fresh, "animate", asked)
    np.testing.assert_array_equal(again.arrays["weights"], take.arrays["weights"])


def test_a_preview_alone_is_no_face_to_redo(
    make: Any, worker: LocalWorker, folders: dict[str, str], voice: str, tmp_path: Path
) -> None:
    """The saved take is still found behind a workbench that has only shown previews."""
    path = str(tmp_path / "take.npz")
    asked = order(folders["regression"], voice)
    take = run(make, worker, "animate", {**asked, "take_path": path})
    fresh = make.ready(ENTRY, threads=1)
    run(make, fresh, "preview", {**asked, "frame": 3})
    where = {"workbench": "Ann", "take_path": path, "model": folders["regression"]}
    found = run(make, fresh, "redo", {**where, "device": "cpu"})
    np.testing.assert_array_equal(found.arrays["weights"], take.arrays["weights"])


def test_a_preview_does_not_wait_for_a_long_job(
    make: Any, folders: dict[str, str], voice: str
) -> None:
    worker = make.ready(threads=1)
    asked = order(folders["regression"], voice)
    take = run(make, worker, "animate", asked)
    long = worker.submit("spin", {"seconds": 60})
    make.wait_until(lambda: long.progress > 0, worker.poll)
    preview = run(make, worker, "preview", {**asked, "frame": 12})
    assert long.state == "running"
    assert_frame(preview, take, 12)
    worker.cancel(long)


def test_previews_within_the_same_faces_own_run(
    make: Any, worker: LocalWorker, stubs: ModuleType, folders: dict[str, str], tmp_path: Path
) -> None:
    """The take that is being made is not disturbed by previews of the very same face."""
    path = str(stubs.write_wav(tmp_path / "long.wav", stubs.speech_like(60.0)))
    asked = order(folders["regression"], path)
    run(make, worker, "animate", asked)
    loud = {**asked, "fps": [60, 1], "settings": {"head_motion": True, "input_strength": 2.0}}
    long = worker.submit("animate", loud)
    make.wait_until(lambda: long.progress > 0, worker.poll)
    previews = [
        worker.submit("preview", {**asked, "settings": settings, "frame": 100})
        for settings in ({}, {"input_strength": 0.5}, {"skin_strength": 0.2})
    ]
    make.finish(worker, long, *previews)
    assert [ticket.state for ticket in (long, *previews)] == ["done"] * 4
    alone = run(make, worker, "animate", {**loud, "workbench": "Bob"})
    np.testing.assert_array_equal(long.arrays["weights"], alone.arrays["weights"])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"frame": None}, "frame"),
        ({"frame": -1}, "frame"),
        ({"speed": 2}, "speed"),
        ({"settings": {"nothing": 1}}, "nothing"),
        ({"model": None}, "No model"),
    ],
)
def test_what_the_user_can_mend_is_said(
    make: Any, shared: LocalWorker, folders: dict[str, str], voice: str, change: Any, says: str
) -> None:
    ticket = shared.submit("preview", {**order(folders["regression"], voice), "frame": 1, **change})
    make.finish(shared, ticket)
    assert (ticket.state, ticket.kind) == ("failed", "user"), ticket.error
    assert says in ticket.error
