# SPDX-License-Identifier: GPL-3.0-or-later
"""The provider on this computer: a worker process behind a link, driven by ``poll``."""

from __future__ import annotations

import os
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from ..worker.link import Link
from ..worker.messages import PROTOCOL, Arrays, Fields, Message, MessageError, encode
from .base import Provider, Ticket
from .door import Door
from .process import ENTRY, WorkerProcess


@dataclass(frozen=True)
class Deadlines:
    """How long things may take, in seconds.

    ``hello``: from the start of the process to its hello (the first import after an installation
    is slow where a virus scanner reads every file). ``cancel``: from a cancel to the kill.
    ``stop``: from the closed life line to the kill.
    """

    hello: float = 60.0
    cancel: float = 3.0
    stop: float = 2.0


DEADLINES = Deadlines()
ENDING_S = 1.0  # the closed link and the process's end are seen one shortly after the other


class LocalWorker(Provider):
    """Runs jobs in one worker process, which is started when needed and again after its death.

    One job is at the worker at a time; the others wait here, so that killing a job that does not
    stop costs no other. ``problem`` says why the last worker ended when nobody asked it to.
    """

    def __init__(
        self,
        wheels_folder: str | None,
        log_path: str,
        *,
        threads: int | None = None,
        log_level: str = "INFO",
        deadlines: Deadlines = DEADLINES,
        entry: str | Path = ENTRY,
    ) -> None:
        self._site_folders = [wheels_folder] if wheels_folder else []
        self._log_path = log_path
        self._threads = threads or min(4, os.cpu_count() or 1)
        self._log_level = log_level
        self._deadlines = deadlines
        self._entry = entry
        self._process: WorkerProcess | None = None
        self._door: Door | None = None
        self._link: Link | None = None
        self._hello: Fields = {}
        self._hello_before_s = 0.0
        self._waiting: deque[tuple[Ticket, Message]] = deque()
        self._running: Ticket | None = None
        self._heard_s = 0.0
        self._kill_at_s = 0.0
        self._ending_since_s: float | None = None
        self._last_id = 0
        self._dying: list[WorkerProcess] = []
        self.problem = ""

    @property
    def hello(self) -> Fields:
        """What the worker runs with (see ``worker/environment.py``); empty until it has said so."""
        return self._hello

    @property
    def ready(self) -> bool:
        """True when the worker has said hello and lives."""
        return bool(self._hello)

    @property
    def pid(self) -> int | None:
        """Number of the worker process, None when there is none."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the worker if there is none; what goes wrong is told in ``problem``."""
        if self._process is not None:
            return
        self.problem = ""
        try:
            self._door = Door()
            start: Fields = {
                "port": self._door.port,
                "token": self._door.token.hex(),
                "site_folders": self._site_folders,
                "threads": self._threads,
                "log_level": self._log_level,
            }
            self._process = WorkerProcess(self._log_path, start, self._entry)
        except OSError as error:
            self._lose(f"The Facewright worker could not be started: {error}.")
            return
        self._hello_before_s = time.monotonic() + self._deadlines.hello

    def submit(self, job: str, args: Fields, arrays: Arrays | None = None) -> Ticket:
        """Hand in a job; starts a worker when there is none.

        The arrays are not copied: leave them unchanged until the ticket is finished. Nothing is
        raised: what cannot be sent comes back as a failed ticket.
        """
        self._last_id += 1
        ticket = Ticket(self._last_id, job)
        fields: Fields = {"type": "job", "id": ticket.id, "job": job, "args": args}
        message = Message(fields, dict(arrays or {}))
        try:
            encode(message)  # refused here rather than in a poll
        except MessageError as error:
            ticket.state, ticket.kind = "failed", "internal"
            ticket.error = f"The job {job!r} cannot be sent: {error}."
            return ticket
        self._waiting.append((ticket, message))
        self.start()
        self._post_next()
        return ticket

    def cancel(self, ticket: Ticket) -> None:
        """End a job: at once when it waits; a running one that does not stop is killed."""
        if ticket.finished or ticket.cancelling:
            return
        if ticket is self._running and self._link is not None:
            ticket.cancelling = True
            self._kill_at_s = time.monotonic() + self._deadlines.cancel
            self._link.post(Message({"type": "cancel", "id": ticket.id}))
            return
        self._waiting = deque(item for item in self._waiting if item[0] is not ticket)
        ticket.state = "cancelled"

    def poll(self) -> None:
        """Move everything on: connection, messages, deadlines, the next job. Never waits."""
        self._dying = [process for process in self._dying if process.exit_code() is None]
        if self._process is not None:
            if self._link is None:
                self._look_at_door(self._process)
            if self._link is not None:
                self._look_at_link(self._link, self._process)
        if self._waiting and self._process is None:
            self.start()
        self._post_next()

    def stop(self) -> None:
        """End the worker and wait until it is dead; unfinished jobs are cancelled."""
        for ticket, _message in self._waiting:
            ticket.state = "cancelled"
        self._waiting.clear()
        if self._running is not None:
            self._running.cancelling = True
        self._close("The worker was stopped.", kill=False)
        self.problem = ""
        for process in self._dying:
            process.stop(self._deadlines.stop)
        self._dying.clear()

    def _look_at_door(self, process: WorkerProcess) -> None:
        connection = self._door.poll() if self._door else None
        if connection is not None:
            self._link = Link(connection)
        elif process.exit_code() is not None:
            self._lose(f"The Facewright worker ended {_how(process)} before it was ready.")
        elif time.monotonic() > self._hello_before_s:
            self._lose("The Facewright worker did not get ready in time.")

    def _look_at_link(self, link: Link, process: WorkerProcess) -> None:
        messages = link.poll()
        now = time.monotonic()
        if messages:
            self._heard_s = now
        for message in messages:
            self._take(message)
        if self._link is not link:  # one of the messages ended it
            return
        if link.malformed:
            self._lose(f"The Facewright worker sent something unreadable. {link.reason}")
        elif link.closed or process.exit_code() is not None:
            self._look_at_end(link, process, now)
        elif not self._hello:
            if now > self._hello_before_s:
                self._lose("The Facewright worker did not get ready in time.")
        elif self._running is not None:
            self._running.silent_s = now - self._heard_s
            if self._running.cancelling and now > self._kill_at_s:
                self._close("The worker was ended because a cancelled job did not stop.")

    def _look_at_end(self, link: Link, process: WorkerProcess, now: float) -> None:
        """Say how the worker ended once the link has given all it held and the process is dead."""
        if self._ending_since_s is None:
            self._ending_since_s = now
        both = link.closed and process.exit_code() is not None
        if not both and now < self._ending_since_s + ENDING_S:
            return
        if process.exit_code() is None:
            self._lose(f"The Facewright worker was ended. {link.reason}")
        else:
            when = "" if self._hello else " before it was ready"
            self._lose(f"The Facewright worker ended {_how(process)}{when}.")

    def _take(self, message: Message) -> None:
        fields, ticket = message.fields, self._running
        if message.type == "hello":
            self._take_hello(fields)
        elif ticket is None or fields.get("id") != ticket.id:
            return
        elif message.type == "progress":
            fraction = fields.get("fraction")
            ticket.progress = float(fraction) if isinstance(fraction, (int, float)) else 0.0
            ticket.stage = str(fields.get("stage", ""))
        elif message.type in ("done", "failed"):
            self._running = None
            _finish(ticket, message)

    def _take_hello(self, fields: Fields) -> None:
        if fields.get("protocol") != PROTOCOL:
            self._lose("The Facewright worker is of another version. Restart Blender.")
            return
        self._hello = fields

    def _post_next(self) -> None:
        if self._running is None and self._waiting and self._hello and self._link is not None:
            ticket, message = self._waiting.popleft()
            self._running = ticket
            self._heard_s = time.monotonic()
            ticket.state = "running"
            self._link.post(message)

    def _lose(self, problem: str) -> None:
        """The worker is of no use any more: fail what ran, or all when it never got ready."""
        words = self._process.last_words() if self._process else ""
        last = f" The last line is: {words.splitlines()[-1]}" if words else ""
        self.problem = f"{problem} Its log is {self._log_path}.{last}"
        failing = [self._running] if self._running else []
        if not self._hello:
            failing += [ticket for ticket, _message in self._waiting]
            self._waiting.clear()
        for ticket in failing:
            _fail(ticket, self.problem, words)
        self._close(self.problem)

    def _close(self, reason: str, kill: bool = True) -> None:
        """Let go of door, link and process; what still runs at the worker ends with it."""
        if self._door is not None:
            self._door.close()
        if self._link is not None:
            self._link.close(reason)
        if self._process is not None:
            self._process.close_life_line()
            if kill:
                self._process.kill()
            self._dying.append(self._process)
        ticket, self._running = self._running, None
        if ticket is not None and not ticket.finished:
            _fail(ticket, reason, "")
        self._door = self._link = self._process = None
        self._hello = {}
        self._ending_since_s = None


def _how(process: WorkerProcess) -> str:
    code = process.exit_code()
    return f"by signal {-code}" if code is not None and code < 0 else f"with exit code {code}"


def _fail(ticket: Ticket, error: str, last_words: str) -> None:
    if ticket.cancelling:
        ticket.state = "cancelled"
        return
    ticket.state, ticket.kind = "failed", "worker"
    ticket.error, ticket.traceback = error, last_words


def _finish(ticket: Ticket, message: Message) -> None:
    fields = message.fields
    kind = str(fields.get("kind", ""))
    if ticket.cancelling or kind == "cancelled":
        ticket.state = "cancelled"
    elif message.type == "done":
        ticket.state, ticket.progress = "done", 1.0
        result: object = fields.get("result")
        ticket.result = cast("Fields", result) if isinstance(result, dict) else {}
        ticket.arrays = message.arrays
    else:
        ticket.state = "failed"
        ticket.kind = "user" if kind == "user" else "internal"
        ticket.error = str(fields.get("error", "The job failed."))
        ticket.traceback = str(fields.get("traceback", ""))
