# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches side by side: the same results in the same order, and no thread that outlives its run."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from facewright.core.emotion.track import constant
from facewright.core.errors import Cancelled, UserError
from facewright.core.models.model import Model, load_model, settings_for
from facewright.core.network.lanes import one_by_one
from facewright.core.network.listening import listen, open_session
from facewright.core.network.running import Meter
from facewright.core.voice.audio import Clip
from facewright.providers.process import ENTRY
from facewright.worker.kept import Kept, Wanted
from facewright.worker.lanes import AHEAD, lanes

BUILT_IN = Path(__file__).resolve().parents[2] / "models" / "facewright"
PATIENCE_S = 20.0


def idle() -> None:
    """Nothing to do while waiting."""


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() == before


@pytest.fixture(scope="module")
def built_in() -> Model:
    return load_model(BUILT_IN)


@pytest.fixture
def clip(stubs: ModuleType) -> Clip:
    return Clip(stubs.speech_like(11.0).astype(np.float32), "voice", "")


def numbers(model: Model, clip: Clip, fps: Fraction, count: int, meter: Meter) -> Any:
    opened = open_session(model, count, spread=lanes(count))
    settings = settings_for(model, {})
    track = constant(settings.emotion(model.info.emotions))
    motion = listen(opened, model, clip, fps, track, settings, meter=meter)
    return np.concatenate([motion.skin, motion.tongue], axis=1)


@pytest.mark.parametrize("fps", [Fraction(30), Fraction(24000, 1001)], ids=["clip", "windows"])
def test_the_built_in_model_says_the_same_bits_on_any_number_of_lanes(
    built_in: Model, clip: Clip, fps: Fraction
) -> None:
    one = numbers(built_in, clip, fps, 1, Meter())
    for count in (2, 3):
        shares: list[float] = []
        meter = Meter(shares.append)
        np.testing.assert_array_equal(numbers(built_in, clip, fps, count, meter), one)
        assert shares == sorted(shares)
        assert shares[-1] == 1.0
        assert meter.frames == len(one)


def test_items_run_side_by_side_and_come_out_in_order() -> None:
    meeting = threading.Barrier(3)  # breaks unless three are there at once

    def work(item: int) -> tuple[int, str]:
        meeting.wait(PATIENCE_S)
        return item, threading.current_thread().name

    found = list(lanes(3)(work, range(9), idle))
    assert [item for item, _ in found] == list(range(9))
    assert threading.current_thread().name not in {name for _, name in found}


def test_one_lane_is_the_caller_itself() -> None:
    assert lanes(1) is one_by_one
    for count, items in ((1, range(3)), (2, range(1))):  # a single item needs no lanes
        found = list(lanes(count)(lambda item: (item, threading.get_ident()), items, idle))
        assert found == [(item, threading.get_ident()) for item in items]


def test_only_a_few_items_are_taken_ahead() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for item in range(100):
            taken.append(item)
            yield item

    for done, _ in enumerate(lanes(2)(lambda item: item, items(), idle)):
        assert len(taken) <= done + 2 * AHEAD
    assert len(taken) == 100
    assert not list(lanes(2)(lambda item: item, [], idle))


def test_the_caller_is_free_while_lanes_work() -> None:
    """Express jobs are done from there: here one without which the work would never end."""
    released = threading.Event()
    callers = set()

    def waiting() -> None:
        callers.add(threading.get_ident())
        if len(turns) > 3:
            released.set()
        turns.append(0)

    turns: list[int] = []
    assert list(lanes(2)(lambda item: released.wait(PATIENCE_S), range(2), waiting)) == [True] * 2
    assert callers == {threading.get_ident()}


def test_a_failure_in_a_lane_is_the_callers_and_ends_the_run() -> None:
    begun = []

    def work(item: int) -> int:
        begun.append(item)
        if item == 3:
            raise UserError("The third is bad.")
        return item

    found: list[int] = []
    with pytest.raises(UserError, match="The third is bad"):
        found.extend(lanes(2)(work, range(1000), idle))
    assert found == [0, 1, 2]
    assert len(begun) < 20


def test_a_cancel_ends_the_run_while_a_lane_works() -> None:
    released = threading.Event()

    def waiting() -> None:
        released.set()
        raise Cancelled

    with pytest.raises(Cancelled):
        list(lanes(2)(lambda item: released.wait(PATIENCE_S), range(1000), waiting))


def test_an_iterator_that_is_dropped_ends_its_lanes() -> None:
    results = lanes(2)(lambda item: item, range(1000), idle)
    assert next(results) == 0
    assert threading.active_count() > 1
    del results


@pytest.mark.parametrize("whole", [True, False])
def test_a_network_that_fails_in_a_lane_is_the_same_sentence(
    built_in: Model, clip: Clip, whole: bool
) -> None:
    class Broken:
        def run(self, names: object, feeds: object) -> object:
            raise RuntimeError("no more memory")

    opened = open_session(built_in, 2, spread=lanes(2))
    opened = replace(opened, session=Broken(), clip=Broken() if whole else None)
    settings = settings_for(built_in, {})
    track = constant(settings.emotion(built_in.info.emotions))
    with pytest.raises(UserError, match=r"network\w*\.onnx failed: no more memory"):
        listen(opened, built_in, clip, Fraction(30), track, settings)


def test_a_cancel_out_of_the_progress_ends_the_lanes_too(built_in: Model, clip: Clip) -> None:
    def tell(share: float) -> None:
        raise Cancelled

    for fps in (Fraction(30), Fraction(24000, 1001)):
        with pytest.raises(Cancelled):
            numbers(built_in, clip, fps, 2, Meter(tell))


def test_the_worker_opens_light_models_with_lanes(stubs: ModuleType, tmp_path: Path) -> None:
    folder = str(stubs.make_stub_model(tmp_path / "m").folder)
    kept = Kept()
    assert kept.loaded(Wanted(folder, threads=1)).network.spread is one_by_one
    network = kept.loaded(Wanted(folder, threads=2)).network
    assert network.spread is not one_by_one
    assert network.session.get_session_options().intra_op_num_threads == 1
    kept.free(None)


def test_a_live_session_is_served_while_lanes_work(
    make: Any, stubs: ModuleType, tmp_path: Path
) -> None:
    """Both through a real worker: the long run is still there when the sound has its frames."""
    voice = str(stubs.write_wav(tmp_path / "voice.wav", stubs.speech_like(300.0)))
    worker = make.ready(ENTRY, threads=2)
    model = {"model": str(BUILT_IN), "fps": [30, 1], "device": "cpu"}
    opened = worker.submit("session_open", {**model, "session": "s", "rate": 16000, "channels": 1})
    make.finish(worker, opened)
    film = {**model, "fps": [24000, 1001], "voice": {"path": voice}}
    long = worker.submit("animate", film)
    make.wait_until(lambda: long.stage == "Listening to the voice", worker.poll)
    samples = stubs.speech_like(1.0).astype(np.float32)
    fed = worker.submit("session_feed", {"session": "s", "end": True}, {"samples": samples})
    make.finish(worker, fed)
    assert (long.state, fed.state) == ("running", "done"), (long.error, fed.error)
    assert len(fed.arrays["weights"]) == 30
    worker.cancel(long)
    make.finish(worker, long)
    assert long.state == "cancelled"
