# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker that works: hello, jobs in order, errors, cancel, stop."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from facewright.providers.local import LocalWorker
from facewright.providers.wheels import find_site_folder
from facewright.worker.messages import Message


def test_hello_tells_versions_and_files(make: Any) -> None:
    worker = make.ready()
    assert worker.hello["pid"] == worker.pid != os.getpid()
    assert worker.hello["python"]["version"] == sys.version.split()[0]
    assert worker.hello["numpy"] == {"version": np.__version__, "file": np.__file__}
    assert worker.hello["problems"] == {}
    for package in ("onnxruntime", "scipy", "soundfile"):
        assert worker.hello[package]["version"]
        assert Path(worker.hello[package]["file"]).exists()
    assert "hello" in make.log


def test_the_worker_starts_with_the_first_job(make: Any) -> None:
    worker = make()
    assert worker.pid is None
    block = np.random.default_rng(1).random((100, 3)).astype(np.float32)
    ticket = worker.submit("echo", {"text": "Ü \u4e2d"}, {"a": block})
    assert ticket.state == "queued"
    make.finish(worker, ticket)
    assert (ticket.state, ticket.error, ticket.progress) == ("done", "", 1.0)
    assert ticket.result == {"text": "Ü \u4e2d"}
    np.testing.assert_array_equal(ticket.arrays["a"], block)


def test_jobs_are_done_in_order_and_progress_is_told(make: Any) -> None:
    worker = make.ready()
    first = worker.submit("spin", {"seconds": 0.3})
    second = worker.submit("echo", {})
    make.wait_until(lambda: first.stage == "spinning", worker.poll)
    assert (first.state, second.state) == ("running", "queued")
    assert first.progress == 0.5
    make.finish(worker, first)
    assert second.state in ("running", "done")
    make.finish(worker, second)


def test_large_arrays_go_to_a_worker_that_computes_and_both_ways_at_once(make: Any) -> None:
    """The link itself, below the queue of tickets: nothing waits for the other side."""
    worker = make.ready()
    link = worker._link
    block = np.random.default_rng(2).integers(0, 255, 20_000_000, dtype=np.uint8)
    link.post(Message({"type": "job", "id": 1, "job": "spin", "args": {"seconds": 1.0}}))
    for identity in (2, 3):
        job = {"type": "job", "id": identity, "job": "echo", "args": {}}
        link.post(Message(job, {"a": block}))
    found: list[Message] = []
    # all has left while the first job still computes: the worker's reader takes it
    make.wait_until(lambda: link.queued == 0, lambda: found.extend(link.poll()))
    assert all(message.type == "progress" for message in found)
    make.wait_until(
        lambda: sum(message.type == "done" for message in found) == 3,
        lambda: found.extend(link.poll()),
    )
    done = [message for message in found if message.type == "done"]
    assert [message.fields["id"] for message in done] == [1, 2, 3]
    for message in done[1:]:
        np.testing.assert_array_equal(message.arrays["a"], block)


@pytest.mark.parametrize(
    ("job", "args", "kind", "text"),
    [
        ("nothing", {}, "user", "knows no job named 'nothing'"),
        ("fail", {"kind": "user"}, "user", "The file moon.wav is empty. Choose another one."),
        ("fail", {"kind": "memory"}, "user", "not enough memory"),
        ("fail", {"kind": "bug"}, "internal", "RuntimeError: a bug"),
        ("fail", {"kind": "result"}, "internal", "result cannot be sent"),
        ("probe", {"voice": 3}, "user", "'voice' of the job must be a table"),
        ("probe", {"voice": {}}, "user", "either a file or its bytes"),
        ("probe", {"voice": {"path": "moon.wav"}}, "user", "must be a full path"),
        ("probe", {"voice": {"path": "/a", "pith": 1}}, "user", "no argument 'pith'"),
        ("probe", {"voice": {"path": "/a", "start_s": "1"}}, "user", "must be a number"),
        ("probe", {"voice": {"path": "/a", "channel": -1}}, "user", "whole number"),
        ("animate", {"voice": {"path": "/a"}}, "user", "No model"),
        ("animate", {"model": "/m", "voice": {"path": "/a"}, "fps": [30, 0]}, "user", "'fps'"),
    ],
)
def test_errors_come_back_and_the_worker_lives_on(
    make: Any, shared: LocalWorker, job: str, args: Any, kind: str, text: str
) -> None:
    pid = shared.pid
    ticket = shared.submit(job, args)
    make.finish(shared, ticket)
    assert (ticket.state, ticket.kind) == ("failed", kind)
    assert text in ticket.error
    assert ("Traceback" in ticket.traceback) == (kind == "internal")
    assert shared.pid == pid


def test_arguments_that_cannot_be_sent_are_refused_at_once(make: Any) -> None:
    worker = make()
    infinite = worker.submit("echo", {"value": float("inf")})
    texts = worker.submit("echo", {}, {"a": np.array(["text"])})
    for ticket in (infinite, texts):
        assert (ticket.state, ticket.kind) == ("failed", "internal")
        assert "cannot be sent" in ticket.error
    assert worker.pid is None


def test_cancel_while_computing(make: Any) -> None:
    worker = make.ready()
    pid = worker.pid
    running = worker.submit("spin", {"seconds": 60})
    waiting = worker.submit("spin", {"seconds": 60})
    after = worker.submit("echo", {})
    make.wait_until(lambda: running.progress > 0, worker.poll)
    worker.cancel(waiting)
    assert waiting.state == "cancelled"
    worker.cancel(running)
    make.finish(worker, running, after)
    assert (running.state, after.state) == ("cancelled", "done")
    assert worker.pid == pid


def test_a_cancelled_job_that_does_not_stop_is_killed_and_the_next_goes_on(
    make: Any, deadlines: Any
) -> None:
    worker = make.ready(deadlines=deadlines(cancel=0.2))
    pid = worker.pid
    deaf = worker.submit("spin", {"seconds": 60, "deaf": True})
    after = worker.submit("echo", {})
    make.wait_until(lambda: deaf.progress > 0, worker.poll)
    worker.cancel(deaf)
    make.finish(worker, deaf, after)
    assert (deaf.state, after.state) == ("cancelled", "done")
    assert worker.pid != pid
    make.wait_until(lambda: not make.alive(pid), worker.poll)


def test_stop_while_a_job_runs(make: Any) -> None:
    """What ``unregister`` does: afterwards no worker is left."""
    worker = make.ready()
    pid = worker.pid
    running = worker.submit("spin", {"seconds": 60, "deaf": True})
    waiting = worker.submit("echo", {})
    make.wait_until(lambda: running.progress > 0, worker.poll)
    worker.stop()
    assert not make.alive(pid)
    assert worker.pid is None
    assert (running.state, waiting.state) == ("cancelled", "cancelled")
    worker.stop()
    again = worker.submit("echo", {})
    make.finish(worker, again)
    assert again.state == "done"


def test_the_port_is_closed_after_the_connection(make: Any) -> None:
    worker = make()
    worker.start()
    port = worker._door.port
    make.wait_until(lambda: worker.ready, worker.poll)
    assert worker._door.poll() is None
    with pytest.raises(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
        pass


def test_folders_and_files_with_other_letters(tmp_path: Path, make: Any) -> None:
    folder = tmp_path / "Größe \u4e2d\u6587 \U0001f642"
    folder.mkdir()
    make.folder = folder
    worker = make.ready(wheels_folder=str(folder))
    ticket = worker.submit("probe", {"voice": {"path": str(folder / "nichts da.wav")}})
    make.finish(worker, ticket)
    assert ticket.kind == "user"
    assert "nichts da.wav" in ticket.error
    assert (folder / "logs" / "worker.log").exists()


def test_a_large_log_is_set_aside(make: Any) -> None:
    log = make.folder / "logs" / "worker.log"
    log.parent.mkdir()
    log.write_bytes(b"old\n" * 300_000)
    make.ready()
    assert log.stat().st_size < 100_000
    assert log.with_name("worker.log.1").stat().st_size == 1_200_000


def test_the_folder_of_wheels_is_found_without_an_import(root: Path) -> None:
    code = (
        f"import runpy, sys; runpy.run_path({str(root / 'worker' / 'bootstrap.py')!r})"
        "['load_package'](); from facewright.providers.wheels import find_site_folder;"
        "print(find_site_folder()); assert 'onnxruntime' not in sys.modules;"
        "assert find_site_folder('no_such_package') is None"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    origin = importlib.util.find_spec("onnxruntime").origin
    assert found.stdout.strip() == str(Path(origin).parent.parent) == find_site_folder()


def test_blenders_own_numpy_stays_and_the_wheels_stand_before_site_packages(
    make: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "wheels"
    for package in ("numpy", "soundfile", "json"):
        (folder / package).mkdir(parents=True)
        text = "__version__ = 'other'\n" if package == "soundfile" else "raise SystemExit(9)\n"
        (folder / package / "__init__.py").write_text(text)
    worker = make.ready(wheels_folder=str(folder))
    assert worker.hello["numpy"]["file"] == np.__file__
    assert worker.hello["soundfile"]["version"] == "other"


def test_a_package_that_cannot_start_is_explained_and_other_jobs_work(
    make: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "wheels"
    (folder / "onnxruntime").mkdir(parents=True)
    (folder / "onnxruntime" / "__init__.py").write_text(
        "raise ImportError('DLL load failed while importing onnxruntime_pybind11_state: "
        "A dynamic link library (DLL) initialization routine failed.')"
    )
    worker = make.ready(wheels_folder=str(folder))
    assert "onnxruntime" not in worker.hello
    assert "Visual C++ Redistributable" in worker.hello["problems"]["onnxruntime"]
    refused = worker.submit("animate", {})
    echoed = worker.submit("echo", {})
    make.finish(worker, refused, echoed)
    assert refused.error == worker.hello["problems"]["onnxruntime"]
    assert (refused.kind, echoed.state) == ("user", "done")
