# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker that dies or hangs in the middle of a job: the job gets one more chance, no more."""

from __future__ import annotations

import dataclasses
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from facewright.providers.errands import RESTARTED, Errands, Rules
from facewright.worker.messages import Message

KILL = getattr(signal, "SIGKILL", signal.SIGTERM)
stops = pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no such signal here")


@pytest.fixture
def tally(tmp_path: Path) -> str:
    """The file in which the job "attempt" counts."""
    return str(tmp_path / "attempts")


def attempts(path: str) -> int:
    return len(Path(path).read_text(encoding="utf-8").splitlines()) if Path(path).exists() else 0


def test_killed_once_the_job_is_done_by_another_worker_and_says_so(
    make: Any, deadlines: Any, tally: str
) -> None:
    worker = make.ready(deadlines=deadlines(backoff=0.0))
    pid = worker.pid
    ticket = worker.submit("attempt", {"path": tally, "bad": 1})
    make.wait_until(lambda: ticket.stage == "attempt 1", worker.poll)
    os.kill(pid, KILL)
    make.finish(worker, ticket)
    assert (ticket.state, ticket.deaths) == ("done", 1)
    assert ticket.result == {"attempt": 2, "notices": ["Spoken before.", RESTARTED]}
    assert worker.pid != pid
    assert worker.problem == ""


def test_killed_twice_the_job_is_given_up_and_the_next_one_works(
    make: Any, deadlines: Any, tally: str
) -> None:
    worker = make.ready(deadlines=deadlines(backoff=0.0))
    ticket = worker.submit("attempt", {"path": tally, "bad": 2})
    waiting = worker.submit("echo", {"text": "after"})
    for number in (1, 2):
        make.wait_until(lambda n=number: ticket.stage == f"attempt {n}", worker.poll)
        os.kill(worker.pid, KILL)
    make.finish(worker, ticket, waiting)
    assert (ticket.state, ticket.kind) == ("failed", "worker")
    assert "ended twice" in ticket.error
    assert "worker.log" in ticket.error
    assert "CPU" not in ticket.error
    assert "The last line" not in ticket.error  # it had nothing of weight to say
    assert (waiting.state, waiting.result) == ("done", {"text": "after"})
    assert attempts(tally) == 2


@pytest.mark.parametrize(
    ("own", "asked", "advised"),
    [
        ("cpu", None, False),
        ("cpu", "cuda", True),
        ("cuda", None, True),
        ("cuda", "auto", True),
        ("cuda", "cpu", False),
        ("auto", "auto", False),  # this onnxruntime knows no other
        ("auto", None, False),
    ],
)
def test_who_computed_elsewhere_is_advised_to_take_the_processor(
    make: Any, deadlines: Any, tally: str, own: str, asked: str | None, advised: bool
) -> None:
    worker = make.ready(device=own, deadlines=deadlines(backoff=0.0))
    args = {"path": tally, "bad": 2, "kind": "abort"}
    ticket = worker.submit("attempt", args if asked is None else {**args, "device": asked})
    make.finish(worker, ticket)
    assert ticket.deaths == 2
    assert ("Choose the CPU" in ticket.error) is advised


def test_a_crash_leaves_its_trace_for_the_report(make: Any, deadlines: Any, tally: str) -> None:
    worker = make.ready(deadlines=deadlines(backoff=0.0))
    ticket = worker.submit("attempt", {"path": tally, "bad": 2, "kind": "abort"})
    make.finish(worker, ticket)
    assert ticket.state == "failed"
    assert "entry.py" in ticket.traceback  # faulthandler tells where it happened


@stops
def test_a_stopped_worker_is_noticed_and_replaced(make: Any, deadlines: Any, tally: str) -> None:
    worker = make.ready(deadlines=deadlines(silent=1.0, backoff=0.0))
    pid = worker.pid
    ticket = worker.submit("attempt", {"path": tally, "bad": 1})
    make.wait_until(lambda: ticket.stage == "attempt 1", worker.poll)
    os.kill(pid, signal.SIGSTOP)
    make.finish(worker, ticket)
    assert (ticket.state, ticket.result["attempt"]) == ("done", 2)
    make.wait_until(lambda: not make.alive(pid), worker.poll)


def test_an_endless_silent_loop_is_given_up_after_two_tries(
    make: Any, deadlines: Any, tally: str
) -> None:
    worker = make.ready(deadlines=deadlines(silent=1.0, backoff=0.0))
    ticket = worker.submit("attempt", {"path": tally, "bad": 2, "kind": "loop"})
    after = worker.submit("echo", {})
    make.finish(worker, ticket, after)
    assert (ticket.state, ticket.kind, ticket.deaths) == ("failed", "worker", 2)
    assert "did not say a word" in ticket.error
    assert after.state == "done"


def test_a_job_may_ask_for_patience(make: Any, deadlines: Any, tally: str) -> None:
    """What is announced as silent is not taken for a hang; a cancel still ends it."""
    worker = make.ready(deadlines=deadlines(silent=1.0, cancel=0.1))
    pid = worker.pid
    args = {"path": tally, "bad": 1, "kind": "loop", "patience": 1000.0}
    ticket = worker.submit("attempt", args)
    make.wait_until(lambda: ticket.silent_s > 1.5, worker.poll)
    assert (ticket.state, worker.pid) == ("running", pid)
    worker.cancel(ticket)
    make.finish(worker, ticket)
    assert ticket.state == "cancelled"
    assert attempts(tally) == 1


def test_patience_ends_with_the_next_word(make: Any, deadlines: Any, tally: str) -> None:
    worker = make.ready(deadlines=deadlines(silent=1.0, backoff=0.0))
    patient = worker.submit("attempt", {"path": tally, "bad": 0, "patience": 1000.0})
    silent = worker.submit("spin", {"seconds": 60, "silent": True})
    make.finish(worker, patient, silent)
    assert (patient.state, silent.state, silent.deaths) == ("done", "failed", 2)


def test_an_express_job_does_not_end_the_patience_of_the_one_it_interrupts() -> None:
    """A model is opened for minutes; its announcement is followed by an express job's answer."""
    errands = Errands(rules=Rules(express=frozenset({"memory"})))
    patient, express = errands.hand_in("animate", {}, {}), errands.hand_in("memory", {}, {})
    assert len(list(errands.send_now())) == 2
    opening = {"type": "progress", "id": patient.id, "fraction": 0.0}
    errands.take(Message({**opening, "patience": 600.0}))
    errands.take(Message({"type": "progress", "id": express.id, "patience": 5.0}))
    errands.take(Message({"type": "done", "id": express.id}))
    assert (express.state, errands.patience_s) == ("done", 600.0)
    errands.take(Message(opening))
    assert errands.patience_s == 0.0


def test_cancelling_express_jobs_does_not_put_off_the_end_of_a_deaf_one(
    make: Any, deadlines: Any
) -> None:
    worker = make.ready(deadlines=deadlines(cancel=0.5))
    deaf = worker.submit("spin", {"seconds": 60, "deaf": True})
    make.wait_until(lambda: deaf.state == "running", worker.poll)
    worker.cancel(deaf)

    def cancel_another() -> None:
        worker.cancel(worker.submit("tick", {}))
        worker.poll()

    make.wait_until(lambda: deaf.finished, cancel_another)
    assert deaf.state == "cancelled"


def test_time_in_which_blender_stood_still_is_not_held_against_the_worker(
    make: Any, deadlines: Any, tally: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long render, or a computer that slept: between two polls only little is counted."""
    from facewright.providers import local

    worker = make.ready(deadlines=deadlines(silent=5.0))
    ticket = worker.submit("attempt", {"path": tally, "bad": 1, "kind": "loop"})
    make.wait_until(lambda: ticket.stage == "attempt 1", worker.poll)
    clock = type("Clock", (), {"monotonic": lambda: time.monotonic() + 3600})
    monkeypatch.setattr(local, "time", clock)
    worker.poll()
    assert ticket.state == "running"
    assert ticket.silent_s <= local.LOOK_S + 1


def test_the_next_start_waits_a_little(make: Any, deadlines: Any, tally: str) -> None:
    worker = make.ready(deadlines=deadlines(backoff=1000.0))
    ticket = worker.submit("attempt", {"path": tally, "bad": 1, "kind": "abort"})
    make.wait_until(lambda: ticket.deaths == 1, worker.poll)
    for _ in range(5):
        worker.poll()
    worker.start()
    assert (worker.pid, ticket.state, ticket.progress) == (None, "queued", 0.0)
    assert "again" in ticket.stage
    worker.cancel(ticket)
    assert ticket.state == "cancelled"
    worker.stop()  # forgets the wait
    worker._deadlines = dataclasses.replace(worker._deadlines, backoff=0.0)
    after = worker.submit("echo", {})
    make.finish(worker, after)
    assert after.state == "done"


def test_a_job_that_was_being_cancelled_when_the_worker_died_is_cancelled(
    make: Any, deadlines: Any, tally: str
) -> None:
    worker = make.ready(deadlines=deadlines(backoff=0.0))
    ticket = worker.submit("attempt", {"path": tally, "bad": 1})
    make.wait_until(lambda: ticket.stage == "attempt 1", worker.poll)
    worker.cancel(ticket)
    os.kill(worker.pid, KILL)
    make.finish(worker, ticket)
    assert (ticket.state, attempts(tally)) == ("cancelled", 1)


def test_stop_while_a_restart_is_due(make: Any, deadlines: Any, tally: str) -> None:
    worker = make.ready(deadlines=deadlines(backoff=1000.0))
    ticket = worker.submit("attempt", {"path": tally, "bad": 1, "kind": "abort"})
    make.wait_until(lambda: ticket.deaths == 1, worker.poll)
    worker.stop()
    assert ticket.state == "cancelled"
    assert not worker.busy


def test_a_worker_that_holds_nothing_any_more_is_let_go(make: Any) -> None:
    worker = make.ready()
    pid = worker.pid
    some = worker.submit("free", {"open": 1})
    make.finish(worker, some)
    assert worker.pid == pid
    nothing = worker.submit("free", {"open": 0})
    make.finish(worker, nothing)
    assert nothing.state == "done"
    assert worker.pid is None
    make.wait_until(lambda: not worker.busy, worker.poll)
    assert not make.alive(pid)
    assert worker.problem == ""
    again = worker.submit("echo", {})
    make.finish(worker, again)
    assert again.state == "done"


def test_a_worker_with_more_to_do_is_not_let_go(make: Any) -> None:
    worker = make.ready()
    pid = worker.pid
    nothing = worker.submit("free", {"open": 0})
    after = worker.submit("echo", {})
    make.finish(worker, nothing, after)
    assert worker.pid == pid


@stops
def test_a_worker_that_is_let_go_and_does_not_end_is_killed(make: Any, deadlines: Any) -> None:
    worker = make.ready(deadlines=deadlines(stop=0.1))
    pid = worker.pid
    os.kill(pid, signal.SIGSTOP)
    worker._retire()
    make.wait_until(lambda: not worker.busy, worker.poll)
    assert not make.alive(pid)
