# SPDX-License-Identifier: GPL-3.0-or-later
"""What a worker keeps open, what goes first, and what letting go gives back."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import tracemalloc
import weakref
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from facewright.core.errors import UserError
from facewright.core.take import Request
from facewright.core.voice.audio import Voice
from facewright.providers.local import LocalWorker
from facewright.providers.process import ENTRY
from facewright.worker import kept as module
from facewright.worker.kept import Kept, Recent, Wanted

MB = 1 << 20
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads memory from /proc")


@pytest.fixture
def folders(stubs: ModuleType, tmp_path: Path) -> list[str]:
    """Three regression models."""
    return [str(stubs.make_stub_model(tmp_path / f"m{n}", seed=n).folder) for n in range(3)]


@pytest.fixture
def people(stubs: ModuleType, tmp_path: Path) -> str:
    """A model of three people."""
    return str(stubs.make_stub_diffusion(tmp_path / "people").folder)


def test_the_least_recently_used_goes_first() -> None:
    recent: Recent[str, int] = Recent(2)
    numbers = iter(range(1, 10))

    def get(key: str) -> int:
        return recent.get_or(key, lambda: next(numbers))

    assert [get(key) for key in "aba"] == [1, 2, 1]
    assert get("c") == 3  # b goes: a was used since
    assert (get("a"), recent.get("b")) == (1, None)
    recent.drop(lambda key: key == "a")
    assert (len(recent), recent.values()) == (1, [3])


def test_what_is_not_made_leaves_the_rest_alone() -> None:
    recent: Recent[str, int] = Recent(2)
    recent.put("a", 1)
    with pytest.raises(UserError):
        recent.get_or("b", lambda: (_ for _ in ()).throw(UserError("no")))
    assert recent.get("a") == 1


def test_identities_of_one_folder_share_the_network(people: str) -> None:
    kept = Kept()
    claire, mark = (kept.loaded(Wanted(people, name, threads=1)) for name in ("Claire", "Mark"))
    assert (claire.model.identity, mark.model.identity) == ("Claire", "Mark")
    assert claire.network is mark.network
    assert kept.loaded(Wanted(people, "Claire", threads=1)).model is claire.model
    assert kept.open_count == 3  # two people and a network


def test_another_number_of_threads_replaces_the_network(folders: list[str]) -> None:
    kept = Kept()
    one = kept.loaded(Wanted(folders[0], threads=1))
    two = kept.loaded(Wanted(folders[0], threads=2))
    assert one.network is not two.network
    assert one.model is two.model
    assert kept.open_count == 2


def test_a_folder_is_the_same_by_any_name(folders: list[str], tmp_path: Path) -> None:
    kept = Kept()
    one = kept.loaded(Wanted(folders[0], threads=1))
    same = kept.loaded(Wanted(str(tmp_path / "m1" / ".." / "m0"), threads=1))
    assert one.network is same.network


def test_networks_beyond_the_limit_are_let_go_with_their_faces(folders: list[str]) -> None:
    kept = Kept()
    first = kept.loaded(Wanted(folders[0], threads=1))
    kept.workbench("face", first)
    gone = weakref.ref(first.network.session)
    del first
    for folder in folders[1:]:
        kept.loaded(Wanted(folder, threads=1))
    gc.collect()
    assert gone() is None
    assert kept.find_workbench("face") is None


def test_a_face_keeps_its_workbench_and_may_change_its_person(people: str) -> None:
    kept = Kept()
    claire = kept.loaded(Wanted(people, "Claire", threads=1))
    bench = kept.workbench("face", claire)
    assert kept.workbench("face", claire) is bench
    mark = kept.loaded(Wanted(people, "Mark", threads=1))
    assert kept.workbench("face", mark) is bench
    assert bench.loaded.model.identity == "Mark"
    assert kept.workbench("another", claire) is not bench


def test_a_face_with_another_model_gets_another_workbench(folders: list[str]) -> None:
    kept = Kept()
    benches = [kept.workbench("face", kept.loaded(Wanted(f, threads=1))) for f in folders[:2]]
    assert benches[0] is not benches[1]


def test_many_faces_do_not_pile_up(folders: list[str]) -> None:
    kept = Kept()
    loaded = kept.loaded(Wanted(folders[0], threads=1))
    for number in range(module.WORKBENCHES + 1):
        kept.workbench(str(number), loaded)
    assert kept.find_workbench("0") is None
    assert kept.find_workbench("1") is not None


def test_long_faces_do_not_fill_the_memory(
    stubs: ModuleType, folders: list[str], tmp_path: Path, monkeypatch: Any
) -> None:
    kept = Kept()
    loaded = kept.loaded(Wanted(folders[0], threads=1))
    request = Request(
        voice=Voice(str(stubs.write_wav(tmp_path / "voice.wav", stubs.speech_like(2.0)))),
        model=folders[0],
        fps=Fraction(30),
    )
    benches = {name: kept.workbench(name, loaded) for name in "abc"}
    benches["b"].face(request)  # what is imported and cached once is no face's
    tracemalloc.start()
    benches["a"].face(request)
    gc.collect()
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert benches["a"].size == pytest.approx(held, rel=0.3)
    benches["c"].face(request)
    monkeypatch.setattr(module, "WORKBENCH_BYTES", 2 * benches["a"].size)
    kept.tidy()
    assert [kept.find_workbench(name) is not None for name in "abc"] == [False, True, True]
    monkeypatch.setattr(module, "WORKBENCH_BYTES", 1)
    kept.tidy()  # the face that is worked on stays, however long it is
    assert [kept.find_workbench(name) is not None for name in "abc"] == [False, False, True]


def test_free_lets_go_of_one_folder_or_of_all(folders: list[str]) -> None:
    kept = Kept()
    benches = [kept.workbench(f, kept.loaded(Wanted(f, threads=1))) for f in folders[:2]]
    assert kept.open_count == 4
    kept.free(folders[0])
    assert kept.open_count == 2
    assert kept.find_workbench(folders[0]) is None
    assert kept.find_workbench(folders[1]) is benches[1]
    kept.free(folders[0])  # harmless twice
    kept.free(None)
    assert kept.open_count == 0
    assert kept.find_workbench(folders[1]) is None
    assert kept.loaded(Wanted(folders[0], threads=1)).model.name  # opened again by itself


def test_a_folder_that_cannot_be_opened_is_no_trouble_for_the_others(folders: list[str]) -> None:
    kept = Kept()
    kept.loaded(Wanted(folders[0], threads=1))
    with pytest.raises(UserError, match="nowhere"):
        kept.loaded(Wanted("/nowhere", threads=1))
    assert kept.open_count == 2


# ---- through a real worker


def rounds(tmp_path: Path, *words: str) -> Any:
    """What ``free_rounds.py`` saw: a process of its own, because this one has its own memories."""
    program = Path(__file__).with_name("free_rounds.py")
    done = subprocess.run(
        [sys.executable, str(program), str(tmp_path), *words],
        check=True, capture_output=True, text=True, timeout=35,
    )  # fmt: skip
    return json.loads(done.stdout)


@on_linux
def test_memory_returns_after_every_free(stubs: ModuleType, tmp_path: Path, report: Any) -> None:
    """Blender's side and the worker together, over 20 rounds, while the worker lives on."""
    large = str(stubs.make_stub_model(tmp_path / "large", vertices=20_000, skin_shapes=60).folder)
    small = str(stubs.make_stub_model(tmp_path / "small").folder)
    voice = str(stubs.write_wav(tmp_path / "voice.wav", stubs.speech_like(1.0)))
    seen = rounds(tmp_path, large, small, voice)
    after, loaded = seen["after"], seen["loaded"]
    report(
        f"memory of both sides after each of {len(after)} frees: first {after[0]:.0f} MB, last"
        f" {after[-1]:.0f} MB, highest {max(after):.0f} MB; worker with the model {loaded:.0f} MB"
    )
    assert loaded > 20_000 * 60 * 3 * 4 / MB
    assert max(after[1:]) < 1.05 * after[0]


@on_linux
def test_free_of_everything_ends_the_worker_and_blenders_side_keeps_nothing(
    stubs: ModuleType, tmp_path: Path, folders: list[str]
) -> None:
    voice = str(stubs.write_wav(tmp_path / "voice.wav", stubs.speech_like(1.0)))
    seen = rounds(tmp_path, folders[0], "", voice)
    assert seen["ended"]
    assert max(seen["after"][1:]) < 1.05 * seen["after"][0]


def test_allocate_is_harmless_twice_and_free_waits_for_running_work(
    make: Any, stubs: ModuleType, folders: list[str], tmp_path: Path
) -> None:
    voice = str(stubs.write_wav(tmp_path / "voice.wav", stubs.speech_like(60.0)))
    worker = make.ready(ENTRY, threads=1)
    for _ in range(2):
        opened = run(make, worker, "allocate", model=folders[0], device="cpu")
        assert opened == {"device": "cpu", "notices": []}
    args = {"voice": {"path": voice}, "model": folders[0], "fps": [60, 1]}
    running = worker.submit("animate", args)
    free = worker.submit("free", {"model": None})
    assert free.state == "queued"
    make.finish(worker, running, free)
    assert (running.state, free.state) == ("done", "done")
    again = run(make, worker, "animate", **args)
    assert np.isfinite(again["duration_s"])


def test_a_live_session_keeps_its_worker(make: Any, stubs: ModuleType, folders: list[str]) -> None:
    """Free takes effect for it when it ends."""
    worker = make.ready(ENTRY, threads=1)
    session = {"session": "live"}
    args = {**session, "model": folders[0], "rate": 16_000, "channels": 1, "fps": [30, 1]}
    run(make, worker, "session_open", **args)
    assert run(make, worker, "free", model=None)["open"] == 1
    samples = stubs.speech_like(1.0).astype(np.float32)
    ticket = worker.submit("session_feed", {**session, "end": True}, {"samples": samples})
    make.finish(worker, ticket)
    assert len(ticket.arrays["weights"]) == 30
    assert run(make, worker, "free", model=None)["open"] == 0


def run(make: Any, worker: LocalWorker, job: str, **args: Any) -> Any:
    ticket = worker.submit(job, args)
    make.finish(worker, ticket)
    assert ticket.state == "done", ticket.error
    return ticket.result
