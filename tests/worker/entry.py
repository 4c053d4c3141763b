# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker with extra jobs that misbehave on purpose; tests start it in place of the real one."""

from __future__ import annotations

import importlib
import os
import runpy
import signal
import socket
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
package = runpy.run_path(str(ROOT / "worker" / "bootstrap.py"))["load_package"]()
session = importlib.import_module("facewright.worker.session")
jobs = importlib.import_module("facewright.worker.jobs")
calls = importlib.import_module("facewright.worker.calls")
messages = importlib.import_module("facewright.worker.messages")
errors = importlib.import_module("facewright.core.errors")

connections: list[socket.socket] = []
connect = socket.create_connection


def remember(*args: Any, **options: Any) -> socket.socket:
    connections.append(connect(*args, **options))
    return connections[-1]


socket.create_connection = remember


def echo(call: Any) -> Any:
    return call.args, call.arrays


def give(call: Any) -> Any:
    return {}, {"a": np.zeros((call.args["n"], 3), dtype=np.float32)}


def spin(call: Any) -> Any:
    """Compute for args["seconds"]; args["deaf"] does not listen to cancel."""
    end = time.monotonic() + call.args["seconds"]
    block = np.ones((200, 200), dtype=np.float32)
    count = 0
    while time.monotonic() < end:
        block @ block
        count += 1
        if not call.args.get("silent"):
            call.progress(0.5, "spinning")
        if call.cancelled() and not call.args.get("deaf"):
            raise errors.Cancelled
    return {"count": count, "bytes": sum(array.nbytes for array in call.arrays.values())}, {}


def fail(call: Any) -> Any:
    kind = call.args["kind"]
    if kind == "user":
        raise errors.UserError("The file moon.wav is empty.", "Choose another one.")
    if kind == "memory":
        raise MemoryError
    if kind == "result":
        return {"value": float("nan")}, {}
    raise RuntimeError("a bug")


def misbehave(call: Any) -> Any:
    kind = call.args["kind"]
    if kind == "exit":
        os._exit(7)
    if kind == "garbage":
        connections[0].sendall(b"this is not a frame at all")
    if kind == "oversized":
        connections[0].sendall(messages.PREFIX.pack(messages.MARK, 100, 1 << 40))
    if kind == "half":
        head = b'{"arrays":[{"dtype":"uint8","name":"a","shape":[738240]}],"type":"done"}'
        prefix = messages.PREFIX.pack(messages.MARK, len(head), 738240)
        connections[0].sendall(prefix + head + bytes(1000))
        os.kill(os.getpid(), signal.SIGSTOP)
    time.sleep(60)


def attempt(call: Any) -> Any:
    """Count the attempts in the file args["path"]; the first args["bad"] of them go wrong."""
    path = Path(call.args["path"])
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{os.getpid()}\n")
    number = len(path.read_text(encoding="utf-8").splitlines())
    kind = call.args.get("kind", "wait")
    call.progress(0.1 * number, f"attempt {number}", call.args.get("patience", 0.0))
    if number > call.args["bad"]:
        return {"attempt": number, "notices": ["Spoken before."]}, {}
    if kind == "abort":
        os.abort()
    while True:
        time.sleep(0.005)
        if kind == "wait":
            call.progress(0.1 * number, f"attempt {number}")


def tick(call: Any) -> Any:
    """An express job: tells its process and takes note of the order."""
    ticks.append(call.args.get("number", 0))
    if call.args.get("die"):
        os._exit(9)
    if call.args.get("cancel") and call.cancelled():
        raise errors.Cancelled
    call.progress(0.5, "ticking")
    return {"pid": os.getpid(), "ticks": list(ticks)}, call.arrays


def free(call: Any) -> Any:
    return {"open": call.args["open"]}, {}


ticks: list[int] = []
Job = calls.Job
EXTRA = {
    "echo": Job(echo),
    "give": Job(give),
    "spin": Job(spin),
    "fail": Job(fail),
    "misbehave": Job(misbehave),
    "attempt": Job(attempt),
    "tick": Job(tick, express=True),
    "live": Job(tick, express=True, once=True),
    "free": Job(free),
}

if __name__ == "__main__":
    session.serve({**jobs.standard_jobs(), **EXTRA})
