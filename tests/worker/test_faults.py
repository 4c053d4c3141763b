# SPDX-License-Identifier: GPL-3.0-or-later
"""Workers that die, hang or talk nonsense, strangers at the door, and a Blender that is killed."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

stops = pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no such signal here")

TALKS = """
import json, os, socket, struct, sys, time
start = json.loads(sys.stdin.readline())
def connect():
    return socket.create_connection(("127.0.0.1", start["port"]))
def frame(head):
    return struct.pack("!4sIQ", b"FWRT", len(head), 0) + head
"""


def test_death_before_hello_is_said_at_once_with_the_last_line(make: Any) -> None:
    worker = make("import sys; print('no such thing as luck', file=sys.stderr); sys.exit(7)")
    tickets = [worker.submit("echo", {}), worker.submit("echo", {})]
    make.finish(worker, *tickets)
    for ticket in tickets:
        assert (ticket.state, ticket.kind) == ("failed", "worker")
        assert "exit code 7 before it was ready" in ticket.error
        assert "no such thing as luck" in ticket.error
    assert worker.problem == tickets[0].error
    assert worker.pid is None
    assert not worker.ready


def test_death_between_token_and_hello(make: Any) -> None:
    talk = "connect().sendall(bytes.fromhex(start['token'])); os._exit(5)"
    worker = make(TALKS + talk)
    ticket = worker.submit("echo", {})
    make.finish(worker, ticket)
    assert "exit code 5 before it was ready" in ticket.error


@pytest.mark.parametrize(
    "talk",
    ["time.sleep(60)", "c = connect(); c.sendall(bytes.fromhex(start['token'])); time.sleep(60)"],
)
def test_no_hello_in_time(make: Any, deadlines: Any, talk: str) -> None:
    worker = make(TALKS + talk, deadlines=deadlines(hello=0.5))
    ticket = worker.submit("echo", {})
    pid = worker.pid
    make.finish(worker, ticket)
    assert "did not get ready in time" in ticket.error
    make.wait_until(lambda: not make.alive(pid), worker.poll)


def test_a_hello_of_another_version(make: Any) -> None:
    talk = """
c = connect(); c.sendall(bytes.fromhex(start["token"]))
c.sendall(frame(b'{"type":"hello","protocol":999}')); time.sleep(60)
"""
    worker = make(TALKS + talk)
    ticket = worker.submit("echo", {})
    make.finish(worker, ticket)
    assert "another version" in ticket.error


def test_a_wrong_token_is_refused(make: Any, deadlines: Any) -> None:
    talk = """
c = connect(); c.sendall(bytes(32)); c.settimeout(10)
print("refused" if c.recv(1) == b"" else "let in", file=sys.stderr, flush=True)
time.sleep(60)
"""
    worker = make(TALKS + talk, deadlines=deadlines(hello=5, stop=0.1))
    worker.start()
    make.wait_until(lambda: "refused" in make.log or "let in" in make.log, worker.poll)
    assert "let in" not in make.log
    assert not worker.ready


def test_strangers_do_not_keep_the_worker_out(make: Any) -> None:
    worker = make()
    worker.start()
    port = worker._door.port
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(6)]
    wrong = socket.create_connection(("127.0.0.1", port))
    wrong.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    make.wait_until(lambda: worker.ready, worker.poll)
    for stranger in [*silent, wrong]:
        stranger.settimeout(5)
        with contextlib.suppress(ConnectionResetError):
            assert stranger.recv(1) == b""
        stranger.close()


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("exit", "ended with exit code 7"),
        ("garbage", "not one of our frames"),
        ("oversized", "over the limit"),
    ],
)
def test_a_worker_that_dies_or_talks_nonsense_fails_its_job_only(
    make: Any, deadlines: Any, kind: str, text: str
) -> None:
    worker = make.ready(deadlines=deadlines(backoff=0.0))
    pid = worker.pid
    running = worker.submit("misbehave", {"kind": kind})
    waiting = worker.submit("echo", {})
    make.finish(worker, running, waiting)
    assert (running.state, running.kind, running.deaths) == ("failed", "worker", 2)
    assert text in running.error
    assert "ended twice" in running.error
    assert waiting.state == "done"
    assert worker.pid != pid
    make.wait_until(lambda: not make.alive(pid), worker.poll)


@stops
def test_stopped_in_the_middle_of_a_message(make: Any, deadlines: Any) -> None:
    """The silence grows and can be shown; a cancel ends it with a kill."""
    worker = make.ready(deadlines=deadlines(cancel=0.2))
    pid = worker.pid
    ticket = worker.submit("misbehave", {"kind": "half"})
    make.wait_until(lambda: ticket.silent_s > 0.3, worker.poll)
    assert ticket.state == "running"
    worker.cancel(ticket)
    make.finish(worker, ticket)
    assert ticket.state == "cancelled"
    make.wait_until(lambda: not make.alive(pid), worker.poll)


@stops
def test_stop_ends_a_worker_that_hangs(make: Any, deadlines: Any) -> None:
    worker = make.ready(deadlines=deadlines(stop=0.3))
    pid = worker.pid
    os.kill(pid, signal.SIGSTOP)
    worker.stop()
    assert not make.alive(pid)


def test_nonsense_from_blenders_side_ends_the_worker_with_its_reason(make: Any) -> None:
    worker = make.ready()
    ticket = worker.submit("live", {})
    make.finish(worker, ticket)
    worker._link._socket.send(b"this is not a frame at all")
    make.wait_until(lambda: bool(worker.problem), worker.poll)
    assert "exit code 3" in worker.problem
    assert "not one of our frames" in worker.problem


HOST = """
import runpy, sys, time
runpy.run_path({bootstrap!r})["load_package"]()
from facewright.providers.local import LocalWorker
worker = LocalWorker(None, {log!r}, entry={entry!r})
ticket = worker.submit("spin", {{"seconds": 60, "deaf": True}})
while ticket.progress == 0 and not ticket.finished:
    worker.poll()
    time.sleep(0.01)
print(worker.pid, flush=True)
time.sleep(60)
"""


def test_the_worker_ends_when_blender_is_killed_in_the_middle_of_a_job(
    make: Any, root: Path, tmp_path: Path
) -> None:
    code = HOST.format(
        bootstrap=str(root / "worker" / "bootstrap.py"),
        log=str(tmp_path / "worker.log"),
        entry=str(Path(__file__).with_name("entry.py")),
    )
    host = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        pid = int(host.stdout.readline())
        assert make.alive(pid)
    finally:
        host.kill()
        host.wait()
        host.stdout.close()
    make.wait_until(lambda: not make.alive(pid))


def test_a_log_that_cannot_be_opened_is_a_problem_not_a_crash(make: Any) -> None:
    (make.folder / "logs").write_text("a file where the folder should be")
    worker = make()
    ticket = worker.submit("echo", {})
    assert (ticket.state, ticket.kind) == ("failed", "worker")
    assert "could not be started" in worker.problem


@pytest.mark.parametrize("line", [b"", b"{}\n", b"not json\n", b'{"port":1}\n'])
def test_a_bad_start_line_ends_the_worker(root: Path, line: bytes) -> None:
    entry = [sys.executable, "-I", str(root / "worker" / "__main__.py")]
    done = subprocess.run(entry, input=line, capture_output=True, timeout=30, check=False)
    assert done.returncode == 2
    assert b"start line" in done.stderr
