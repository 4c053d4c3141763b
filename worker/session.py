# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's life: start line, connection, hello, then jobs until Blender goes away.

Jobs run one after the other on the main thread. A second thread receives, so that a cancel is
heard while a job computes; a third waits for the end of standard input, which is the life line:
when Blender dies in whatever way, the process ends at once.
"""

from __future__ import annotations

import faulthandler
import logging
import math
import os
import queue
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, cast

from ..core.errors import Cancelled, UserError
from .environment import describe, use_site_folders
from .jobs import Call, Job, standard_jobs
from .messages import (
    PROTOCOL,
    Fields,
    FrameReader,
    Message,
    MessageError,
    encode,
    read_json,
)

LOG = logging.getLogger("facewright.worker")
START_LIMIT = 1 << 16
CONNECT_TIMEOUT_S = 10.0
PROGRESS_INTERVAL_S = 0.05
TRACEBACK_LIMIT = 1 << 16
ERROR_LIMIT = 4000

EXIT_DONE = 0
EXIT_START = 2
EXIT_LINK = 3


@dataclass(frozen=True)
class Start:
    """What the worker is told on its standard input."""

    port: int
    token: bytes
    site_folders: tuple[str, ...]
    threads: int
    log_level: str


def read_start(line: bytes) -> Start:
    """Parse the start line; raises MessageError, KeyError, TypeError or ValueError."""
    fields = read_json(line)
    return Start(
        port=int(fields["port"]),
        token=bytes.fromhex(fields["token"]),
        site_folders=tuple(str(folder) for folder in fields["site_folders"]),
        threads=max(1, int(fields["threads"])),
        log_level=str(fields["log_level"]),
    )


def serve(jobs: Mapping[str, Job] | None = None) -> NoReturn:
    """Run the worker with a table of jobs, the standard one by default; ends the process."""
    faulthandler.enable()
    # an interrupt in the terminal is Blender's to handle; the life line follows
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        start = read_start(sys.stdin.buffer.readline(START_LIMIT))
    except (KeyError, TypeError, ValueError) as error:
        _leave(EXIT_START, f"the start line cannot be used: {error!r}")
    logging.basicConfig(
        level=start.log_level,
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    threading.Thread(target=_watch_life_line, name="life line", daemon=True).start()
    try:
        connection = socket.create_connection(("127.0.0.1", start.port), CONNECT_TIMEOUT_S)
        connection.settimeout(None)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(start.token)
    except OSError as error:
        _leave(EXIT_LINK, f"no connection to Blender: {error}")
    use_site_folders(start.site_folders)
    session = Session(connection, jobs or standard_jobs(), start.threads)
    session.say_hello()
    threading.Thread(target=session.receive, name="receiver", daemon=True).start()
    session.work()


def _watch_life_line() -> None:
    while os.read(0, 1024):
        pass
    _leave(EXIT_DONE, "Blender has gone, the worker ends")


def _leave(code: int, why: str) -> NoReturn:
    """End the process from any thread, whatever the others do (no lock is taken)."""
    try:
        os.write(2, f"{why}\n".encode())
    finally:
        os._exit(code)


def _identity(message: Message) -> int:
    value = message.fields.get("id")
    return value if isinstance(value, int) else 0


class Session:
    """One connection to Blender. Only ``receive`` runs on another thread."""

    def __init__(self, connection: socket.socket, jobs: Mapping[str, Job], threads: int) -> None:
        self._connection = connection
        self._jobs = jobs
        self._threads = threads
        self._inbox: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._cancelled: set[int] = set()
        self._problems: Mapping[str, str] = {}

    def say_hello(self) -> None:
        """Import the packages and report versions, files and problems."""
        report = describe()
        self._problems = report["problems"]
        for problem in self._problems.values():
            LOG.error(problem)
        hello: Fields = {"type": "hello", "protocol": PROTOCOL, "pid": os.getpid(), **report}
        LOG.info("hello %s", hello)
        self._send(Message(hello))

    def receive(self) -> NoReturn:
        """Take messages at any time: jobs are queued, a cancel is noted at once."""
        reader = FrameReader()
        while True:
            try:
                count = self._connection.recv_into(reader.room())
                message = reader.filled(count) if count else None
            except OSError as error:
                _leave(EXIT_LINK, f"the link to Blender broke: {error}")
            except MessageError as error:
                _leave(EXIT_LINK, f"the link to Blender was closed: {error}")
            if not count:
                _leave(EXIT_DONE, "Blender closed the link, the worker ends")
            if message is None:
                continue
            if message.type == "cancel":
                self._cancelled.add(_identity(message))
            elif message.type == "job":
                self._inbox.put(message)
            else:
                LOG.warning("a message of type %r was ignored", message.type)

    def work(self) -> NoReturn:
        """Run the jobs in the order in which they came."""
        while True:
            message = self._inbox.get()
            identity = _identity(message)
            reply = self._answer(identity, message)
            try:
                self._send(reply)
            except MessageError as error:
                text = f"The result cannot be sent: {error}."
                self._send(self._failure(identity, "internal", text, traceback.format_exc()))
            self._cancelled.discard(identity)
            # arrays may be large: nothing of them is kept while waiting for the next job
            del message, reply

    def _answer(self, identity: int, message: Message) -> Message:
        name = str(message.fields.get("job", ""))
        started = time.perf_counter()
        try:
            result, arrays = self._run(identity, name, message)
        except Cancelled:
            LOG.info("job %d (%s) was cancelled", identity, name)
            return self._failure(identity, "cancelled", "Cancelled.")
        except UserError as error:
            LOG.info("job %d (%s) refused: %s", identity, name, error)
            return self._failure(identity, "user", str(error))
        except MemoryError:
            LOG.exception("job %d (%s) ran out of memory", identity, name)
            text = "There is not enough memory. Use a shorter voice or close other programs."
            return self._failure(identity, "user", text)
        except Exception as error:
            LOG.exception("job %d (%s) failed", identity, name)
            text = f"The job {name!r} failed unexpectedly ({type(error).__name__}: {error})."
            return self._failure(identity, "internal", text, traceback.format_exc())
        LOG.info("job %d (%s) took %.3f s", identity, name, time.perf_counter() - started)
        return Message({"type": "done", "id": identity, "result": result}, arrays)

    def _run(self, identity: int, name: str, message: Message) -> tuple[Fields, dict[str, Any]]:
        job = self._jobs.get(name)
        if job is None:
            raise UserError(f"The worker knows no job named {name!r}.")
        args: object = message.fields.get("args", {})
        if not isinstance(args, dict):
            raise UserError(f"The arguments of the job {name!r} are not a table.")
        for package in job.needs:
            if package in self._problems:
                raise UserError(self._problems[package])
        if identity in self._cancelled:
            raise Cancelled
        call = Call(
            args=cast("Fields", args),
            arrays=message.arrays,
            progress=Progress(self, identity),
            cancelled=lambda: identity in self._cancelled,
            threads=self._threads,
        )
        return job.run(call)

    @staticmethod
    def _failure(identity: int, kind: str, error: str, trace: str = "") -> Message:
        error = error[:ERROR_LIMIT]
        fields: Fields = {"type": "failed", "id": identity, "kind": kind, "error": error}
        return Message({**fields, "traceback": trace[-TRACEBACK_LIMIT:]})

    def send_progress(self, identity: int, fraction: float, stage: str) -> None:
        """Tell how far a job is; called on the main thread only."""
        fields: Fields = {"type": "progress", "id": identity, "fraction": fraction, "stage": stage}
        self._send(Message(fields))

    def _send(self, message: Message) -> None:
        parts = encode(message)
        try:
            for part in parts:
                self._connection.sendall(part)
        except OSError as error:
            _leave(EXIT_LINK, f"the link to Blender broke: {error}")


class Progress:
    """What a job calls to tell how far it is: at most one message each ``PROGRESS_INTERVAL_S``."""

    def __init__(self, session: Session, identity: int) -> None:
        self._session = session
        self._identity = identity
        self._stage = ""
        self._next_s = 0.0

    def __call__(self, fraction: float, stage: str) -> None:
        """Report ``fraction`` (0 to 1) of the whole job and the name of its present stage."""
        now = time.monotonic()
        if now < self._next_s and stage == self._stage:
            return
        self._stage = stage
        self._next_s = now + PROGRESS_INTERVAL_S
        fraction = min(max(float(fraction), 0.0), 1.0) if math.isfinite(fraction) else 0.0
        self._session.send_progress(self._identity, fraction, stage)
