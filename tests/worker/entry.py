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


EXTRA = {"echo": echo, "give": give, "spin": spin, "fail": fail, "misbehave": misbehave}

if __name__ == "__main__":
    session.serve({**jobs.standard_jobs(), **{name: jobs.Job(run) for name, run in EXTRA.items()}})
