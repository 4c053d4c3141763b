# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs about models, devices, emotion and takes through a real worker; and what they refuse."""

from __future__ import annotations

import os
import signal
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from facewright.core import pipeline, take_file
from facewright.core.emotion.detection import Detector
from facewright.core.emotion.source import EmotionSource, emotion_keys
from facewright.core.errors import Cancelled
from facewright.core.models.model import load_emotion_model, load_model, settings_for
from facewright.core.network import devices
from facewright.core.parameters import EMOTION_NAMES, Settings
from facewright.core.solve.pose_table import RigOverrides
from facewright.core.take import Request
from facewright.core.voice import audio
from facewright.providers.errands import RESTARTED
from facewright.providers.local import LocalWorker
from facewright.providers.process import ENTRY
from facewright.worker.animate_jobs import animate
from facewright.worker.calls import Call
from facewright.worker.kept import Kept

KILL = getattr(signal, "SIGKILL", signal.SIGTERM)


@pytest.fixture(scope="module")
def folders(stubs: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    place = tmp_path_factory.mktemp("models")
    stubs.make_stub_model(place / "regression")
    stubs.make_stub_diffusion(place / "diffusion")
    stubs.make_stub_emotion(place / "emotion")
    return {name: str(place / name) for name in ("regression", "diffusion", "emotion")}


@pytest.fixture(scope="module")
def voice(stubs: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("voices") / "voice.wav"
    return str(stubs.write_wav(path, stubs.speech_like(3.0)))


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Any:
    log = tmp_path_factory.mktemp("models-worker") / "worker.log"
    one = LocalWorker(None, str(log), threads=1, entry=ENTRY)
    yield one
    one.stop()


@pytest.fixture
def ask(make: Any, worker: LocalWorker) -> Any:
    """Have a job done and return its ticket."""

    def ask(job: str, arrays: Any = None, **args: Any) -> Any:
        ticket = worker.submit(job, args, arrays)
        make.finish(worker, ticket)
        return ticket

    return ask


def done(ticket: Any) -> Any:
    assert ticket.state == "done", ticket.error
    return ticket.result


# ---- what there is


def test_devices_are_those_of_the_engine(ask: Any) -> None:
    result = done(ask("devices"))
    found = {row["name"]: row for row in result["devices"]}
    assert list(found) == [info.name for info in devices.list_devices()]
    assert found["cpu"]["usable"] and found["cpu"]["tested"]
    for row in found.values():
        assert row.keys() == {"name", "label", "provider", "usable", "tested", "reason"}
        assert bool(row["reason"]) is not row["usable"]
    assert result["default"] == devices.resolve("auto")


@pytest.mark.parametrize("family", ["regression", "diffusion"])
def test_a_face_model_is_described(ask: Any, folders: dict[str, str], family: str) -> None:
    result = done(ask("describe", model=folders[family]))
    model = load_model(folders[family])
    assert result["family"] == family
    assert result["sha256"] == model.sha256
    assert result["identity"] == model.identity
    assert result["identities"] == list(model.identities)
    assert result["emotions"] == list(model.info.emotions)
    assert result["parameters"] == settings_for(model, {}).to_mapping()
    assert result["poses"]["skin"] == list(model.skin_rig.names)
    assert result["poses"]["tongue"] == list(model.tongue_rig.names)
    assert result["memory_bytes"] > 0
    assert (result["licence"] or {}).get("key") == (model.licence and model.licence.key)
    if family == "regression":
        assert result["fps"] is None
        assert result["shots"][0] == {"name": "stub_neutral", "frames": 20}
    else:
        assert result["fps"] == [60, 1]
        assert result["shots"] == []
        james = done(ask("describe", model=folders[family], identity="James"))
        assert james["identity"] == "James"


def test_an_emotion_model_is_described_with_its_licence(ask: Any, folders: dict[str, str]) -> None:
    result = done(ask("describe", model=folders["emotion"]))
    assert result["family"] == "emotion"
    assert result["sha256"] == load_emotion_model(folders["emotion"]).sha256
    assert result["licence"]["restricted"] is True
    assert result["licence"].keys() == {"key", "title", "url", "notice", "restricted"}


# ---- emotion


def test_emotion_is_read_as_keys(ask: Any, folders: dict[str, str], voice: str) -> None:
    settings = {"key_interval": 0.5, "max_emotions": 2}
    preferred = [0.0] * 6 + [1.0] + [0.0] * 3
    ticket = ask(
        "detect", voice={"path": voice}, emotion_model=folders["emotion"], settings=settings,
        preferred=preferred, device="cpu",
    )  # fmt: skip
    result = done(ticket)
    detector = Detector(*Kept().emotion(_wanted(folders["emotion"])))
    clip = audio.read_voice(audio.Voice(path=voice))
    expected = emotion_keys(clip, Settings.from_mapping(settings), detector, tuple(preferred))
    assert result["emotion_names"] == list(EMOTION_NAMES)
    assert (result["device"], result["notices"]) == ("cpu", [])
    np.testing.assert_array_equal(ticket.arrays["emotion_times"], expected.times_s)
    np.testing.assert_allclose(ticket.arrays["emotion_values"], expected.values, atol=1e-6)
    assert len(expected.times_s) > 3


def _wanted(emotion: str) -> Any:
    from facewright.worker.kept import Wanted

    return Wanted("", threads=1, emotion_folder=emotion)


@pytest.mark.parametrize("mode", ["frames", "keys"])
def test_a_face_with_emotion_from_its_voice(
    ask: Any, folders: dict[str, str], voice: str, mode: Any
) -> None:
    emotion = {"mode": mode, "model": folders["emotion"], "overrides": {"joy": 0.5, "fear": None}}
    ticket = ask(
        "animate", voice={"path": voice}, model=folders["regression"], fps=[30, 1],
        settings={}, emotion=emotion,
    )  # fmt: skip
    result = done(ticket)
    source = EmotionSource(
        model=folders["emotion"], mode=mode, overrides={"joy": 0.5, "fear": None}
    )
    request = Request(
        audio.Voice(path=voice), folders["regression"], Fraction(30), emotion=source, threads=1
    )
    expected = pipeline.animate(request)
    np.testing.assert_allclose(ticket.arrays["weights"], expected.face.weights, atol=1e-6)
    np.testing.assert_allclose(ticket.arrays["emotion_values"], expected.emotion.values, atol=1e-6)
    assert result["emotion_names"] == list(expected.emotion_names)


def test_keys_of_the_user_reach_the_network(ask: Any, folders: dict[str, str], voice: str) -> None:
    keys = {
        "emotion_times": np.array([0.0, 2.0]),
        "emotion_values": np.eye(10, dtype=np.float32)[[6, 1]],
    }
    args = {"voice": {"path": voice}, "model": folders["regression"], "fps": [30, 1]}
    with_keys = ask("animate", keys, **args)
    without = ask("animate", **args)
    np.testing.assert_array_equal(
        with_keys.arrays["emotion_values"], keys["emotion_values"]
    )  # the stub names its emotions in the table's order
    assert done(without)
    assert not np.array_equal(with_keys.arrays["weights"], without.arrays["weights"])


# ---- one face again and again


def test_a_face_is_made_again_from_its_workbench(
    ask: Any, folders: dict[str, str], voice: str, tmp_path: Path
) -> None:
    args = {"voice": {"path": voice}, "model": folders["regression"], "fps": [30, 1]}
    first = ask("animate", **args, workbench="face one")
    assert first.result["timings"]["network"] > 0
    again = ask("animate", **args, workbench="face one", settings={"skin_strength": 0.5})
    assert again.result["timings"]["network"] == 0  # only what follows was done
    fresh = ask("animate", **args, settings={"skin_strength": 0.5})
    assert fresh.result["timings"]["network"] > 0
    np.testing.assert_array_equal(again.arrays["weights"], fresh.arrays["weights"])
    out = str(tmp_path / "out.npz")
    rigs = {"skin": {"multipliers": {"jawOpen": 2.0}}}
    redone = ask("redo", workbench="face one", rigs=rigs, take_out=out)
    assert done(redone)["rigs"]["skin"] == {"multipliers": {"jawOpen": 2.0}}
    assert redone.result["settings"]["skin_strength"] == 0.5
    np.testing.assert_array_equal(take_file.read_take(out).face.weights, redone.arrays["weights"])


def test_a_saved_take_is_made_again_without_voice_and_network(
    ask: Any, folders: dict[str, str], voice: str, tmp_path: Path
) -> None:
    path = str(tmp_path / "take.npz")
    args = {"voice": {"path": voice}, "model": folders["diffusion"], "fps": [30, 1]}
    settings = {"identity": "James", "blink_interval": 0.0}
    done(ask("animate", **args, settings=settings, take_path=path))
    changed = {**settings, "lower_face_strength": 0.3}
    redone = ask(
        "redo", take_path=path, model=folders["diffusion"], settings=changed, fps=[24, 1],
        workbench="from file",
    )  # fmt: skip
    result = done(redone)
    assert result["fps"] == [24, 1]
    assert result["model"]["identity"] == "James"
    take = take_file.read_take(path)
    loaded = pipeline.open_model(folders["diffusion"], "James", threads=1)
    expected = pipeline.redo(take, loaded, changed, RigOverrides(), Fraction(24))
    np.testing.assert_array_equal(redone.arrays["weights"], expected.face.weights)
    once_more = ask("redo", workbench="from file", settings=settings)
    assert done(once_more)["settings"]["lower_face_strength"] != 0.3
    refused = ask("redo", workbench="from file", settings={**settings, "input_strength": 2.0})
    assert (refused.kind, "input_strength" in refused.error) == ("user", True)


# ---- what is refused


@pytest.mark.parametrize(
    ("job", "args", "text"),
    [
        ("devices", {"all": True}, "devices has no argument 'all'"),
        ("describe", {}, "No model was chosen"),
        ("describe", {"model": "models/a"}, "must be a full path"),
        ("describe", {"model": "/nowhere"}, "/nowhere"),
        ("describe", {"model": "MODEL", "identity": 3}, "must be a text"),
        ("describe", {"model": "MODEL", "identity": "nobody"}, "nobody"),
        ("describe", {"model": "MODEL", "device": "cpu"}, "no argument 'device'"),
        ("allocate", {}, "No model was chosen"),
        ("allocate", {"model": "/nowhere"}, "/nowhere"),
        ("allocate", {"model": "MODEL", "device": 3}, "must be a text"),
        ("allocate", {"model": "MODEL", "device": "abacus"}, "'abacus'"),
        ("allocate", {"model": "MODEL", "threads": -1}, "whole number"),
        ("allocate", {"model": "MODEL", "emotion_model": "MODEL"}, "MODEL"),
        ("allocate", {"model": "MODEL", "fps": 3}, "no argument 'fps'"),
        ("free", {"model": 3}, "must be a text"),
        ("free", {"all": True}, "no argument 'all'"),
        ("detect", {}, "reads the emotion from the voice"),
        ("detect", {"emotion_model": "EMOTION"}, "either a file or its bytes"),
        ("detect", {"emotion_model": "EMOTION", "settings": {"key_interval": 99}}, "key_interval"),
        ("detect", {"emotion_model": "EMOTION", "settings": {"joyful": 1}}, "joyful"),
        ("detect", {"emotion_model": "EMOTION", "preferred": [2.0] * 10}, "between 0 and 1"),
        ("detect", {"emotion_model": "EMOTION", "preferred": ["a"] * 10}, "must be a number"),
        ("detect", {"emotion_model": "EMOTION", "mode": "keys"}, "no argument 'mode'"),
        ("redo", {}, "no longer at hand"),
        ("redo", {"workbench": "who"}, "no longer at hand"),
        ("redo", {"take_path": "/no/take.npz"}, "no longer at hand"),
        ("redo", {"take_path": "/no/take.npz", "model": "MODEL"}, "/no/take.npz"),
        ("redo", {"workbench": 3}, "must be a text"),
        ("redo", {"workbench": "who", "fps": [1]}, "'fps'"),
        ("redo", {"workbench": "who", "settings": []}, "must be a table"),
        ("redo", {"workbench": "who", "rigs": {"nose": {}}}, "no rig called 'nose'"),
        ("redo", {"workbench": "who", "voice": {}}, "no argument 'voice'"),
        ("redo", {"workbench": "who", "take_out": "take.npz"}, "must be a full path"),
        ("animate", {"model": "MODEL", "fps": [30, 1], "workbench": 1}, "must be a text"),
        ("animate", {"model": "MODEL", "fps": [30, 1], "rigs": 3}, "must be a table"),
        ("animate", {"model": "MODEL", "fps": [30, 1], "emotion": {"mood": 1}}, "'mood'"),
        ("animate", {"model": "MODEL", "fps": [30, 1], "emotion": {"model": "a"}}, "full path"),
        ("animate", {"model": "EMOTION", "fps": [30, 1], "voice": {"path": "/a"}}, "EMOTION"),
    ],
)
def test_what_a_job_refuses(
    ask: Any, folders: dict[str, str], job: str, args: Any, text: str
) -> None:
    places = {"MODEL": folders["regression"], "EMOTION": folders["emotion"]}
    ticket = ask(job, **{n: places.get(v, v) if isinstance(v, str) else v for n, v in args.items()})
    assert (ticket.state, ticket.kind) == ("failed", "user"), ticket
    assert places.get(text, text) in ticket.error


@pytest.mark.parametrize(
    ("arrays", "text"),
    [
        ({"emotion_times": np.zeros(1)}, "their times and their values"),
        ({"emotion_values": np.zeros((1, 10))}, "their times and their values"),
        ({"emotion_times": np.zeros(1), "emotion_values": np.zeros((1, 9))}, "emotion_values"),
        ({"emotion_times": np.zeros((1, 1)), "emotion_values": np.zeros((1, 10))}, "emotion_times"),
        (
            {"emotion_times": np.zeros(2), "emotion_values": np.zeros((2, 10))},
            "not in the order",
        ),
        (
            {"emotion_times": np.zeros(1, np.int32), "emotion_values": np.zeros((1, 10))},
            "emotion_times",
        ),
    ],
)
def test_emotion_keys_that_are_none(
    ask: Any, folders: dict[str, str], voice: str, arrays: Any, text: str
) -> None:
    ticket = ask("animate", arrays, voice={"path": voice}, model=folders["regression"], fps=[30, 1])
    assert (ticket.kind, text in ticket.error) == ("user", True), ticket.error


# ---- long runs


def test_a_killed_diffusion_run_goes_on_where_it_was(
    make: Any, folders: dict[str, str], stubs: ModuleType, tmp_path: Path, deadlines: Any
) -> None:
    path = str(stubs.write_wav(tmp_path / "long.wav", stubs.speech_like(400.0)))
    args = {"voice": {"path": path}, "model": folders["diffusion"], "fps": [60, 1]}
    worker = make.ready(ENTRY, threads=1, deadlines=deadlines(backoff=0.0))
    scratch = make.folder / "logs" / "unfinished"
    ticket = worker.submit("animate", args)
    make.wait_until(lambda: scratch.is_dir() and any(scratch.glob("[!.]*.npz")), worker.poll)
    assert not ticket.finished
    os.kill(worker.pid, KILL)
    make.finish(worker, ticket)
    assert (ticket.state, ticket.deaths) == ("done", 1), ticket.error
    assert RESTARTED in ticket.result["notices"]
    assert not any(scratch.glob("[!.]*.npz"))
    whole = worker.submit("animate", args)
    make.finish(worker, whole)
    np.testing.assert_array_equal(ticket.arrays["weights"], whole.arrays["weights"])


class Broken(RuntimeError):
    """Stands for whatever ended the first run."""


def test_what_a_broken_run_had_done_is_not_done_again(
    folders: dict[str, str], stubs: ModuleType, tmp_path: Path
) -> None:
    path = str(stubs.write_wav(tmp_path / "long.wav", stubs.speech_like(60.0)))
    steps: list[float] = []

    def run(until: float, cancelled: Any = lambda: False, device: str = "cpu") -> Any:
        def progress(fraction: float, stage: str, patience_s: float = 0.0) -> None:
            if stage.startswith("Listening"):
                steps.append(fraction)
                if fraction >= until:
                    raise Broken

        args = {"voice": {"path": path}, "model": folders["diffusion"], "fps": [60, 1]}
        call = Call({**args, "device": device}, {}, progress, cancelled, 1, tmp_path / "scratch")
        steps.clear()
        return animate(Kept(), call)[1]["weights"]

    whole = run(2.0)
    in_one = len(steps)
    with pytest.raises(Broken):
        run(0.7)
    kept = list((tmp_path / "scratch").glob("*.npz"))
    assert len(kept) == 1
    rest = run(2.0, device="auto")  # the same file is found on whatever device
    assert len(steps) < in_one - 30
    np.testing.assert_array_equal(rest, whole)
    assert not kept[0].exists()
    with pytest.raises(Broken):
        run(0.7)
    os.utime(kept[0], (0, 0))
    for number in range(6):
        (tmp_path / "scratch" / f"another_{number}.npz").write_bytes(b"newer")
    run(2.0)  # however many others have been broken off since
    assert len(steps) < in_one - 30
    assert len(list((tmp_path / "scratch").glob("*.npz"))) == 4
    with pytest.raises(Broken):
        run(0.7)
    with pytest.raises(Cancelled):
        run(2.0, cancelled=lambda: len(steps) > 3)
    assert not kept[0].exists()  # who cancels does not want it
