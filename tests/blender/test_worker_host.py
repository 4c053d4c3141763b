# SPDX-License-Identifier: GPL-3.0-or-later
"""One worker for each device, for many faces; letting models go gives the memory back."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

ENTRY = Path(__file__).resolve().parents[1] / "worker" / "entry.py"


@pytest.fixture
def host(code):
    """The host without any worker, before and after the test."""
    module = code("operators.worker_host")
    module.stop()
    yield module
    module.stop()


def wait(host, *tickets) -> None:
    """Poll as Blender would, until the tickets are finished and what was let go has ended."""
    end = time.monotonic() + 60
    while not all(ticket.finished for ticket in tickets) or host.poll():
        assert time.monotonic() < end, "it never happened"
        host.poll()
        time.sleep(0.005)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def test_each_device_has_its_worker(host):
    cpu, cuda, best = host.worker("cpu"), host.worker("cuda"), host.worker()
    assert len({id(cpu), id(cuda), id(best)}) == 3
    assert host.worker("cpu") is cpu
    assert host.worker("auto") is host.worker("") is best
    assert cuda.device == "cuda"
    assert host.worker("no such device") is best  # the job says what is wrong
    assert all(one.pid is None for one in (cpu, cuda, best))  # the first job starts them


def test_another_number_of_threads_needs_no_other_worker(host):
    one = host.worker("cpu", 1)
    assert host.worker("cpu", 3) is one
    assert one.threads == 3


def test_the_packages_are_those_that_came_with_the_extension(host):
    """Others would be noted."""
    one = host.worker("cpu")
    one.start()
    end = time.monotonic() + 60
    while not one.ready and time.monotonic() < end:
        one.poll()
        time.sleep(0.005)
    assert one.hello["notices"] == []
    assert one.hello["problems"] == {}


def test_freeing_everything_ends_the_process_and_the_next_job_starts_another(host, stub):
    model = str(stub.folder)
    one = host.worker("cpu")
    allocated = one.submit("allocate", {"model": model, "device": "cpu"})
    wait(host, allocated)
    assert allocated.state == "done", allocated.error
    pid = one.pid
    (ticket,) = host.free("/some/other/model")
    wait(host, ticket)
    assert (ticket.result["open"], one.pid) == (2, pid)
    (ticket,) = host.free(model)
    wait(host, ticket)
    assert (ticket.result["open"], one.pid) == (0, None)
    assert not alive(pid)
    assert host.free() == []  # nothing runs: nothing to do
    again = host.worker("cpu").submit("describe", {"model": model})
    wait(host, again)
    assert again.state == "done", again.error


def test_free_may_be_meant_for_one_device(host, stub):
    tickets = [
        host.worker(device).submit("allocate", {"model": str(stub.folder), "device": "cpu"})
        for device in ("cpu", "auto")
    ]
    wait(host, *tickets)
    wait(host, *host.free(None, "cpu"))
    assert host.worker("cpu").pid is None
    assert host.worker("auto").pid is not None
    wait(host, *host.free(None, ""))
    assert host.worker("auto").pid is None


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no such signal here")
def test_stop_ends_workers_that_hang(host):
    pids = []
    for device in ("cpu", "auto"):
        one = host.worker(device)
        ticket = one.submit("describe", {})
        while not ticket.finished:
            one.poll()
        pids.append(one.pid)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    host.stop()
    assert not any(alive(pid) for pid in pids)


@pytest.mark.parametrize("deaf", [False, True])
def test_a_job_that_nobody_waits_for_is_seen_to_its_end(code, host, tmp_path, deaf):
    """Esc ends the operator; a worker that does not stop is killed all the same, and only then
    is what the job may have written taken away."""
    local, asking, pump = (code(f"{n}") for n in ("providers.local", "operators.asking", "api"))
    one = host._workers["auto"] = local.LocalWorker(
        None, str(tmp_path / "worker.log"), deadlines=local.Deadlines(cancel=0.5), entry=ENTRY
    )
    undone = []
    steps = asking.ask("spin", {"seconds": 60, "deaf": deaf}, undo=lambda: undone.append(one.pid))
    end = time.monotonic() + 60
    while next(steps).text != "spinning" and time.monotonic() < end:
        time.sleep(0.005)
    pid = one.pid
    steps.close()
    assert not (deaf and undone)
    while not undone and time.monotonic() < end:
        pump.pump()
        time.sleep(0.005)
    assert undone == [None if deaf else pid]
    while deaf and alive(pid) and time.monotonic() < end:
        host.poll()
    assert alive(pid) is not deaf
