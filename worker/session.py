# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's life: start line, connection, hello, then jobs until Blender goes away.

Jobs run one after the other on the main thread. A second thread receives, so that a cancel is
heard while a job computes; a third waits for the end of standard input, which is the life line:
when Blender dies in whatever way, the process ends at once. Express jobs (see ``calls.Job``) are
done from within the running job's progress, on the same thread.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn, cast

from ..core.errors import Cancelled, UserError
from .calls import Call, Job, Reply
from .environment import describe, use_site_folders
from .faults import Fault, fault_of
from .inbox import Inbox
from .jobs import standard_jobs
from .messages import (
    PROTOCOL,
    Fields,
    FrameReader,
    Message,
    MessageError,
    encode,
    read_json,
)
from .progress import Telling

LOG = logging.getLogger("facewright.worker")
START_LIMIT = 1 << 16
CONNECT_TIMEOUT_S = 10.0

EXIT_DONE = 0
EXIT_START = 2
EXIT_LINK = 3


@dataclass(frozen=True)
class Start:
    """What the worker is told on its standard input.

    ``versions`` of the packages that came with the extension, by name; ``scratch`` see ``Call``.
    """

    port: int
    token: bytes
    site_folders: tuple[str, ...]
    threads: int
    log_level: str
    scratch: Path | None = None
    versions: Mapping[str, str] = field(default_factory=dict)


def read_start(line: bytes) -> Start:
    """Parse the start line; raises MessageError, KeyError, TypeError or ValueError."""
    fields = read_json(line)
    return Start(
        port=int(fields["port"]),
        token=bytes.fromhex(fields["token"]),
        site_folders=tuple(str(folder) for folder in fields["site_folders"]),
        threads=max(1, int(fields["threads"])),
        log_level=str(fields["log_level"]),
        scratch=Path(fields["scratch"]) if fields.get("scratch") else None,
        versions={str(name): str(text) for name, text in fields.get("versions", {}).items()},
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
    session = Session(connection, jobs or standard_jobs(), start)
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


def _threads(message: Message) -> int:
    value = message.fields.get("threads")
    return value if type(value) is int and value > 0 else 0


def _identity(message: Message) -> int:
    value = message.fields.get("id")
    return value if isinstance(value, int) else 0


class Session:
    """One connection to Blender. Only ``receive`` runs on another thread."""

    def __init__(self, connection: socket.socket, jobs: Mapping[str, Job], start: Start) -> None:
        self._connection = connection
        self._jobs = jobs
        self._start = start
        self._inbox = Inbox()
        self._cancelled: set[int] = set()
        self._problems: Mapping[str, str] = {}
        self._attending = False

    def say_hello(self) -> None:
        """Import the packages; report versions, files, problems and which jobs are special."""
        report = describe(self._start.versions)
        self._problems = report["problems"]
        for problem in (*self._problems.values(), *report["notices"]):
            LOG.error(problem)
        hello: Fields = {
            "type": "hello",
            "protocol": PROTOCOL,
            "pid": os.getpid(),
            **report,
            "express": [name for name, job in self._jobs.items() if job.express],
            "once": [name for name, job in self._jobs.items() if job.once],
        }
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
                self._inbox.put(message, self._is_express(message))
            else:
                LOG.warning("a message of type %r was ignored", message.type)

    def work(self) -> NoReturn:
        """Run the jobs of each row in the order in which they came."""
        while True:
            self._inbox.wait()
            self.attend()
            if (message := self._inbox.take_ordinary()) is not None:
                self._serve(message)
            # arrays may be large: nothing of them is kept while waiting for the next job
            del message

    def attend(self) -> None:
        """Do the express jobs that have come; called while another job runs."""
        if self._attending:  # by an express job: the next one waits for its end
            return
        self._attending = True
        try:
            while (message := self._inbox.take_express()) is not None:
                self._serve(message)
                del message
        finally:
            self._attending = False

    def _is_express(self, message: Message) -> bool:
        job = self._jobs.get(str(message.fields.get("job", "")))
        return job is not None and job.express

    def _serve(self, message: Message) -> None:
        """Run one job and send what came of it."""
        identity = _identity(message)
        name = str(message.fields.get("job", ""))
        try:
            self._send(self._answer(identity, name, message))
        except MessageError as error:
            LOG.exception("the result of job %d (%s) cannot be sent", identity, name)
            fault = fault_of(error, name)
            text = f"The result cannot be sent: {error}."
            self._send(_failed(identity, Fault("internal", text, fault.traceback)))
        self._cancelled.discard(identity)

    def _answer(self, identity: int, name: str, message: Message) -> Message:
        started = time.perf_counter()
        args: object = message.fields.get("args", {})
        try:
            result, arrays = self._run(identity, name, args, message)
        except Exception as error:
            device = args.get("device") if isinstance(args, dict) else ""
            fault = fault_of(error, name, str(device or ""))
            if isinstance(error, (Cancelled, UserError)):
                LOG.info("job %d (%s) %s: %s", identity, name, fault.kind, fault.text)
            else:
                LOG.exception("job %d (%s) failed", identity, name)
            return _failed(identity, fault)
        LOG.info("job %d (%s) took %.3f s", identity, name, time.perf_counter() - started)
        return Message({"type": "done", "id": identity, "result": result}, arrays)

    def _run(self, identity: int, name: str, args: object, message: Message) -> Reply:
        job = self._jobs.get(name)
        if job is None:
            raise UserError(f"The worker knows no job named {name!r}.")
        if not isinstance(args, dict):
            raise UserError(f"The arguments of the job {name!r} are not a table.")
        for package in job.needs:
            if package in self._problems:
                raise UserError(self._problems[package])

        def cancelled() -> bool:
            self.attend()
            return identity in self._cancelled

        if cancelled():
            raise Cancelled
        call = Call(
            args=cast("Fields", args),
            arrays=message.arrays,
            progress=Telling(identity, self._send, self.attend),
            cancelled=cancelled,
            threads=_threads(message) or self._start.threads,
            scratch=self._start.scratch,
        )
        return job.run(call)

    def _send(self, message: Message) -> None:
        parts = encode(message)
        try:
            for part in parts:
                self._connection.sendall(part)
        except OSError as error:
            _leave(EXIT_LINK, f"the link to Blender broke: {error}")


def _failed(identity: int, fault: Fault) -> Message:
    fields: Fields = {"type": "failed", "id": identity, "kind": fault.kind, "error": fault.text}
    return Message({**fields, "traceback": fault.traceback})
