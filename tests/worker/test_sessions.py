# SPDX-License-Identifier: GPL-3.0-or-later
"""Live sessions through a real worker: what comes in pieces is what the whole would give."""

from __future__ import annotations

from fractions import Fraction
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from facewright.core import pipeline
from facewright.core.errors import Cancelled
from facewright.core.take import Request
from facewright.core.voice import audio
from facewright.providers.local import LocalWorker
from facewright.providers.process import ENTRY
from facewright.worker.calls import Call
from facewright.worker.kept import Kept
from facewright.worker.session_jobs import Sessions

RATE = 44_100
SETTINGS = {"blink_interval": 0.0}  # a blink at the very end is the one thing that may differ


@pytest.fixture(scope="module")
def model(stubs: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("models") / "regression"
    stubs.make_stub_model(folder)
    return str(folder)


@pytest.fixture(scope="module")
def diffusion(stubs: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("models") / "diffusion"
    stubs.make_stub_diffusion(folder)
    return str(folder)


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One worker as it is shipped, for all sessions of this file."""
    log = tmp_path_factory.mktemp("sessions") / "worker.log"
    one = LocalWorker(None, str(log), threads=1, entry=ENTRY)
    yield one
    one.stop()


class Client:
    """Opens a session and feeds it; ``frames`` are those that came back, behind one another."""

    def __init__(self, make: Any, worker: LocalWorker, folder: str, **options: Any) -> None:
        self._make, self._worker = make, worker
        self.name = options.pop("session", "one")
        args = {"rate": RATE, "channels": 1, "fps": [30, 1], "settings": SETTINGS, "model": folder}
        self.opening = self.submit("session_open", **{**args, **options})
        self.blocks: list[Any] = []
        self.answers: list[Any] = []

    def submit(self, job: str, arrays: Any = None, **args: Any) -> Any:
        ticket = self._worker.submit(job, {"session": self.name, **args}, arrays)
        self._make.finish(self._worker, ticket)
        return ticket

    def feed(self, samples: Any, end: bool = False) -> Any:
        ticket = self.submit("session_feed", {"samples": samples}, end=end)
        if ticket.state == "done":
            assert ticket.result["first_frame"] == sum(map(len, self.blocks))
            self.blocks.append(ticket.arrays["weights"])
            self.answers.append(ticket)
        return ticket

    def frames(self, name: str = "weights") -> np.ndarray:
        return np.concatenate([ticket.arrays[name] for ticket in self.answers])

    def __enter__(self) -> Client:
        assert self.opening.state == "done", self.opening.error
        return self

    def __exit__(self, *_: object) -> None:
        self.submit("session_cancel")
        self.submit("session_feed", end=True)


def sound(stubs: ModuleType, seconds: float = 1.5, rate: int = RATE) -> np.ndarray:
    return stubs.speech_like(seconds, rate).astype(np.float32)


def whole(stubs: ModuleType, path: Any, samples: np.ndarray, rate: int, model: str) -> Any:
    """The same sound as a file, animated at once."""
    stubs.write_wav(path, samples, rate, bits=32)
    voice = audio.Voice(path=str(path))
    return pipeline.animate(Request(voice, model, Fraction(30), SETTINGS, threads=1)).face


def pieces(samples: np.ndarray, size: int) -> list[np.ndarray]:
    return [samples[at : at + size] for at in range(0, len(samples), size)]


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
def test_pieces_give_the_frames_of_the_whole(
    make: Any, worker: LocalWorker, model: str, stubs: ModuleType, tmp_path: Any, rate: int
) -> None:
    samples = sound(stubs, rate=rate)
    expected = whole(stubs, tmp_path / "voice.wav", samples, rate, model)
    with Client(make, worker, model, rate=rate) as client:
        assert client.opening.result["names"] == list(expected.names)
        assert client.opening.result["device"] == "cpu"
        *most, last = pieces(samples, rate // 10)
        for piece in most:
            client.feed(piece)
        assert sum(map(len, client.blocks)) > 0  # they came before the end
        assert client.feed(last, end=True).result["done"]
        for name in ("weights", "jaw", "eyes"):
            want = getattr(expected, name)
            np.testing.assert_allclose(client.frames(name), want, atol=1e-5, err_msg=name)
        assert client.answers[-1].result["notices"] == []


def test_a_session_of_low_delay_is_earlier_and_its_own_network(
    make: Any, worker: LocalWorker, model: str, stubs: ModuleType, tmp_path: Any
) -> None:
    both = str(stubs.make_stub_model(tmp_path / "both", live_offset=6720).folder)
    samples = sound(stubs, 2.0, 16_000)
    known = {}
    for low_delay in (False, True):
        options = {"rate": 16_000, "low_delay": low_delay}
        with Client(make, worker, both, **options) as client:
            client.feed(samples[:16_000])
            known[low_delay] = len(client.frames())
            client.feed(samples[16_000:], end=True)
            assert len(client.frames()) == 60
    # 0.26 s and 0.1 s of sound after a frame; the resampler holds nothing back at 16 kHz
    assert known == {False: 23, True: 28}
    refused = Client(make, worker, model, low_delay=True).opening
    assert refused.state != "done"
    assert "has no network of low delay" in refused.error


def test_a_diffusion_model_lives_too(
    make: Any, worker: LocalWorker, diffusion: str, stubs: ModuleType, tmp_path: Any
) -> None:
    samples = sound(stubs, 2.0, 16_000)
    expected = whole(stubs, tmp_path / "voice.wav", samples, 16_000, diffusion)
    settings = {**SETTINGS, "identity": "james"}
    with Client(make, worker, diffusion, rate=16_000, settings=settings) as client:
        assert client.opening.result["model"]["identity"] == "James"
    with Client(make, worker, diffusion, rate=16_000) as client:
        for piece in pieces(samples, 3_000):
            client.feed(piece)
        client.feed(samples[:0], end=True)
        np.testing.assert_allclose(client.frames(), expected.weights, atol=1e-4)


def test_integers_and_channels_are_mixed_as_in_a_file(
    make: Any, worker: LocalWorker, model: str, stubs: ModuleType
) -> None:
    left = sound(stubs)
    right = 0.3 * left[::-1]
    both = np.round(np.stack([left, right], axis=1) * 32767).astype(np.int16)
    mono = (both.astype(np.float32) / 32768).mean(axis=1, dtype=np.float64).astype(np.float32)
    with Client(make, worker, model) as client:
        client.feed(mono, end=True)
        wanted = client.frames()
    with Client(make, worker, model, channels=2) as client:
        for piece in pieces(both.reshape(-1), 2 * 4_000):
            client.feed(piece)  # interleaved
        client.feed(np.zeros((0, 2), np.int16), end=True)
        np.testing.assert_allclose(client.frames(), wanted, atol=1e-5)
    with Client(make, worker, model, channels=2) as client:
        client.feed(both, end=True)  # one column per channel
        np.testing.assert_allclose(client.frames(), wanted, atol=1e-5)


def test_several_feeds_are_one_session_and_its_end_begins_the_next(
    make: Any, worker: LocalWorker, model: str, stubs: ModuleType
) -> None:
    samples = sound(stubs)
    with Client(make, worker, model) as client:
        client.feed(samples)
        client.feed(samples, end=True)
        assert sum(map(len, client.blocks)) == 90
        after = client.feed(samples)
        assert (after.state, after.kind) == ("failed", "user")
    with Client(make, worker, model) as client:  # the same name may be used again
        client.feed(samples, end=True)
        assert sum(map(len, client.blocks)) == 45


def test_a_session_without_sound_ends_without_frames(
    make: Any, worker: LocalWorker, model: str
) -> None:
    with Client(make, worker, model) as client:
        ticket = client.submit("session_feed", end=True)
        assert (ticket.state, ticket.result["done"]) == ("done", True)
        assert ticket.arrays["weights"].shape == (0, len(client.opening.result["names"]))
        assert ticket.arrays["jaw"].shape == (0, 4, 4)


def test_a_sound_shorter_than_a_window_is_animated(
    make: Any, worker: LocalWorker, model: str, stubs: ModuleType
) -> None:
    with Client(make, worker, model) as client:
        client.feed(sound(stubs, 0.1), end=True)
        assert len(client.frames()) == 3


def test_after_a_cancel_nothing_new_is_made_until_the_end(
    make: Any, worker: LocalWorker, model: str, stubs: ModuleType
) -> None:
    samples = sound(stubs)
    with Client(make, worker, model) as client:
        client.feed(samples)
        assert client.submit("session_cancel").state == "done"
        assert client.submit("session_cancel").state == "done"  # harmless twice
        for end in (False, False, True):
            ticket = client.submit("session_feed", {"samples": samples}, end=end)
            assert (ticket.state, ticket.result["done"]) == ("done", end)
            assert len(ticket.arrays["weights"]) == 0
        assert client.feed(samples).kind == "user"  # ended: now it is unknown
    with Client(make, worker, model) as client:
        assert len(client.feed(samples, end=True).arrays["weights"]) == 45


def test_values_that_are_no_sound_are_cleaned_and_told(
    make: Any, worker: LocalWorker, model: str, stubs: ModuleType
) -> None:
    clean = sound(stubs)
    dirty = clean.copy()
    clean[[100, 200, 300]] = 0, 0, 1
    dirty[[100, 200, 300]] = np.nan, np.inf, 1e30
    with Client(make, worker, model) as client:
        client.feed(clean, end=True)
        wanted = client.frames()
    with Client(make, worker, model) as client:
        client.feed(dirty, end=True)
        np.testing.assert_array_equal(client.frames(), wanted)
        silenced, clipped = client.answers[-1].result["notices"]
        assert silenced.startswith("2 samples")
        assert clipped.startswith("1 samples")


def test_two_sessions_share_a_worker(
    make: Any, worker: LocalWorker, model: str, stubs: ModuleType
) -> None:
    samples = sound(stubs)
    still = {**SETTINGS, "skin_strength": 0.0}
    with (
        Client(make, worker, model, session="a") as one,
        Client(make, worker, model, session="b", settings=still) as two,
    ):
        for piece in pieces(samples, 10_000):
            one.feed(piece)
            two.feed(piece)
        one.feed(samples[:0], end=True)
        two.feed(samples[:0], end=True)
        assert len(one.frames()) == len(two.frames()) == 45
        assert not np.allclose(one.frames(), two.frames())


def test_feeds_do_not_wait_for_a_long_animation(
    make: Any, worker: LocalWorker, model: str, stubs: ModuleType, tmp_path: Any
) -> None:
    path = stubs.write_wav(tmp_path / "long.wav", stubs.speech_like(600.0))
    args = {"voice": {"path": str(path)}, "model": model, "fps": [120, 1]}
    long = worker.submit("animate", args)
    make.wait_until(lambda: long.progress > 0.06, worker.poll)
    with Client(make, worker, model) as client:
        client.feed(sound(stubs))
        assert client.feed(sound(stubs), end=True).result["done"]
        assert long.state == "running"
    worker.cancel(long)
    make.finish(worker, long)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"rate": 100}, "'rate' of session_open must be between"),
        ({"rate": 10_000_000}, "'rate' of session_open must be between"),
        ({"rate": 44100.5}, "must be a whole number"),
        ({"rate": None}, "'rate' of session_open must be between"),
        ({"channels": 0}, "'channels' of session_open must be between"),
        ({"channels": 1000}, "'channels' of session_open must be between"),
        ({"session": ""}, "does not name its session"),
        ({"session": 3}, "'session' of session_open must be a text"),
        ({"model": None}, "No model was chosen"),
        ({"model": "somewhere"}, "must be a full path"),
        ({"fps": 30}, "'fps' of session_open must be two whole numbers"),
        ({"settings": {"no_such": 1}}, "no_such"),
        ({"settings": {"skin_strength": 9}}, "skin_strength"),
        ({"emotion": {"mode": "loud"}}, "'mode' of emotion must be one of"),
        ({"emotion": {"preferred": [1, 2]}}, "list of 10 numbers"),
        ({"emotion": {"overrides": {"joy": "much"}}}, "must be a number"),
        ({"rigs": {"skin": {"speed": {}}}}, "no column called 'speed'"),
        ({"device": "abacus"}, "no processor called 'abacus'"),
        ({"speed": 1}, "no argument 'speed'"),
    ],
)
def test_arguments_of_an_opening_are_checked(
    make: Any, worker: LocalWorker, model: str, change: Any, text: str
) -> None:
    client = Client(make, worker, model, **change)
    assert (client.opening.state, client.opening.kind) == ("failed", "user"), client.opening
    assert text in client.opening.error


def test_arguments_of_a_feed_are_checked(
    make: Any, worker: LocalWorker, model: str, stubs: ModuleType
) -> None:
    samples = sound(stubs)
    with Client(make, worker, model, channels=2) as client:
        for bad, text in (
            (samples[:5], "do not fit the 2 channels"),
            (samples[:6].reshape(2, 3), "do not fit the 2 channels"),
            (samples[:4].astype(np.float64), "float32 or int16"),
            (samples[:8].reshape(2, 2, 2), "float32 or int16"),
        ):
            ticket = client.submit("session_feed", {"samples": bad})
            assert (ticket.kind, text in ticket.error) == ("user", True), ticket.error
        assert "true or false" in client.submit("session_feed", end=1).error
        assert "no argument 'rate'" in client.submit("session_feed", rate=3).error
        assert "no argument 'end'" in client.submit("session_cancel", end=True).error
        again = client.submit("session_open", model=model, rate=RATE, channels=1, fps=[30, 1])
        assert "open already" in again.error
        client.feed(samples[:80_00], end=True)  # none of it has harmed the session
        assert client.answers[-1].state == "done"
    unknown = Client(make, worker, model, session="two", rate=0).feed(samples)
    assert unknown.kind == "user"
    assert "no live session 'two'" in unknown.error


def test_there_is_a_limit(make: Any, worker: LocalWorker, model: str) -> None:
    many = [Client(make, worker, model, session=f"s{number}") for number in range(17)]
    assert [client.opening.state for client in many] == ["done"] * 16 + ["failed"]
    assert "16 live sessions" in many[-1].opening.error
    for client in many:
        client.__exit__()


def test_a_long_piece_can_be_cancelled_in_the_middle(diffusion: str, stubs: ModuleType) -> None:
    """Not only between two pieces: a slow network may take minutes for one."""
    sessions, asked = Sessions(Kept()), []

    def call(cancelled: Any, samples: Any = None, **args: Any) -> Call:
        arrays = {} if samples is None else {"samples": samples}
        return Call({"session": "one", **args}, arrays, lambda *_: None, cancelled, 1)

    order = {"model": diffusion, "fps": [60, 1], "rate": 16_000, "channels": 1}
    sessions.open(call(lambda: False, **order))
    long = stubs.speech_like(20.0).astype(np.float32)

    def after_three() -> bool:
        asked.append(1)
        return len(asked) > 3

    with pytest.raises(Cancelled):
        sessions.feed(call(after_three, long))
    assert len(asked) == 4
    assert len(sessions) == 0
