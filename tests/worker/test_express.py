# SPDX-License-Identifier: GPL-3.0-or-later
"""Express jobs: answered while another job computes, in order, and never twice when live."""

from __future__ import annotations

import os
import signal
from typing import Any

import numpy as np
import pytest

KILL = getattr(signal, "SIGKILL", signal.SIGTERM)


def test_an_express_job_does_not_wait_for_the_one_that_computes(make: Any) -> None:
    worker = make.ready()
    long = worker.submit("spin", {"seconds": 60})
    waiting = worker.submit("echo", {})
    make.wait_until(lambda: long.progress > 0, worker.poll)
    block = np.arange(6, dtype=np.int16).reshape(2, 3)
    tick = worker.submit("tick", {}, {"a": block})
    make.finish(worker, tick)
    assert (long.state, waiting.state, tick.state) == ("running", "queued", "done")
    assert tick.result["pid"] == worker.pid
    np.testing.assert_array_equal(tick.arrays["a"], block)
    assert tick.arrays["a"].dtype == np.int16
    worker.cancel(long)
    make.finish(worker, long, waiting)
    assert (long.state, waiting.state) == ("cancelled", "done")


def test_express_jobs_keep_their_order_and_all_go_at_once(make: Any) -> None:
    worker = make.ready()
    long = worker.submit("spin", {"seconds": 60})
    make.wait_until(lambda: long.progress > 0, worker.poll)
    tickets = [worker.submit("tick", {"number": number}) for number in range(20)]
    assert all(ticket.state == "running" for ticket in tickets)
    make.finish(worker, *tickets)
    assert tickets[-1].result["ticks"] == list(range(20))
    worker.cancel(long)


def test_express_jobs_before_the_worker_is_ready(make: Any) -> None:
    worker = make()
    tickets = [worker.submit("tick", {"number": number}) for number in range(3)]
    long = worker.submit("spin", {"seconds": 60})
    make.finish(worker, *tickets)
    assert tickets[-1].result["ticks"] == [0, 1, 2]
    assert long.state == "running"
    worker.cancel(long)


def test_a_job_that_only_asks_whether_it_is_cancelled_is_enough(make: Any) -> None:
    """The engine may be silent about its progress and still look whether it shall stop."""
    worker = make.ready()
    long = worker.submit("spin", {"seconds": 60, "silent": True})
    tick = worker.submit("tick", {})
    make.finish(worker, tick)
    assert (long.state, tick.state) == ("running", "done")
    worker.cancel(long)


def test_an_express_job_can_be_cancelled(make: Any, deadlines: Any) -> None:
    """One that cannot be reached meanwhile costs the running job nothing."""
    worker = make.ready(deadlines=deadlines(cancel=0.0))
    pid = worker.pid
    long = worker.submit("attempt", {"path": str(make.folder / "n"), "bad": 1, "kind": "loop"})
    make.wait_until(lambda: long.progress > 0, worker.poll)
    tick = worker.submit("tick", {"cancel": True})
    worker.cancel(tick)
    for _ in range(10):
        worker.poll()
    assert (tick.state, tick.cancelling, worker.pid) == ("running", True, pid)
    worker.cancel(long)
    make.finish(worker, long, tick)
    assert (long.state, tick.state) == ("cancelled", "cancelled")


@pytest.mark.parametrize(("job", "state"), [("tick", "done"), ("live", "failed")])
def test_what_is_live_is_not_begun_again_after_a_death(
    make: Any, deadlines: Any, job: str, state: str
) -> None:
    worker = make.ready(deadlines=deadlines(backoff=0.0))
    hung = worker.submit("attempt", {"path": str(make.folder / "n"), "bad": 1, "kind": "loop"})
    make.wait_until(lambda: hung.progress > 0, worker.poll)
    ticket = worker.submit(job, {"number": 5})
    os.kill(worker.pid, KILL)
    make.finish(worker, hung, ticket)
    assert (hung.state, ticket.state) == ("done", state)
    if state == "failed":
        assert ticket.kind == "worker"
        assert "live session was lost" in ticket.error


def test_an_express_job_that_kills_the_worker_does_not_cost_the_running_one(
    make: Any, deadlines: Any
) -> None:
    worker = make.ready(deadlines=deadlines(backoff=0.0))
    long = worker.submit("spin", {"seconds": 60})
    make.wait_until(lambda: long.progress > 0, worker.poll)
    ticket = worker.submit("live", {"die": True})
    make.finish(worker, ticket)
    assert ticket.state == "failed"
    make.wait_until(lambda: long.state == "running" and long.deaths == 1, worker.poll)
    worker.cancel(long)
    make.finish(worker, long)
    assert long.state == "cancelled"
