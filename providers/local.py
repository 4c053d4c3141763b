# SPDX-License-Identifier: GPL-3.0-or-later
"""The provider on this computer: a worker process behind a link, driven by ``poll``."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..worker.link import Link
from ..worker.messages import PROTOCOL, Arrays, Fields, Message
from .base import Provider, Ticket
from .door import Door
from .errands import Errand, Errands, Rules
from .process import ENTRY, WorkerProcess


@dataclass(frozen=True)
class Deadlines:
    """How long things may take, in seconds.

    ``hello``: from the start of the process to its hello (the first import after an installation
    is slow where a virus scanner reads every file). ``cancel``: from a cancel to the kill.
    ``stop``: from the closed life line to the kill. ``silent``: without a word from a worker that
    has work, then it counts as hanging; a job may ask for more patience. ``backoff``: from an
    unexpected end to the next start.
    """

    hello: float = 60.0
    cancel: float = 3.0
    stop: float = 2.0
    silent: float = 120.0
    backoff: float = 0.5


DEADLINES = Deadlines()
ENDING_S = 1.0  # the closed link and the process's end are seen one shortly after the other
# Counted at most between two polls: when Blender itself stood still (a render, a computer that
# slept), its worker is not to blame.
LOOK_S = 1.0
LOGGER = "facewright.worker"
LINE_LIMIT = 400


class LocalWorker(Provider):
    """Runs jobs in one worker process, which is started when needed and again after its death.

    One ordinary job is at the worker at a time, and any number of express ones; the others wait
    here, so that killing a job that does not stop costs no other. When the worker dies or hangs,
    what it did is handed in once more. ``problem`` says why the last worker ended when nobody
    asked it to.
    """

    def __init__(
        self,
        wheels_folder: str | None,
        log_path: str,
        *,
        device: str = "cpu",
        threads: int = 0,
        extra_folders: Sequence[str] = (),
        versions: Mapping[str, str] | None = None,
        log_level: str = "INFO",
        deadlines: Deadlines = DEADLINES,
        entry: str | Path = ENTRY,
    ) -> None:
        """``device`` is what its jobs compute on as a rule: told to the user when it keeps dying.

        ``threads`` is for jobs that name none themselves, 0 chooses; it may be changed at any time.
        ``extra_folders`` of packages go before the wheels; ``versions`` of the packages that the
        worker is to find, by name: it notes those that differ.
        """
        self.device = device
        self.threads = threads
        self._log_path = log_path
        self._start_fields: Fields = {
            "site_folders": [*extra_folders, *([wheels_folder] if wheels_folder else [])],
            "threads": min(4, os.cpu_count() or 1),
            "log_level": log_level,
            "scratch": str(Path(log_path).absolute().with_name("unfinished")),
            "versions": dict(versions or {}),
        }
        self._deadlines = deadlines
        self._entry = entry
        self._process: WorkerProcess | None = None
        self._door: Door | None = None
        self._link: Link | None = None
        self._hello: Fields = {}
        self._hello_before_s = 0.0
        self._start_after_s = 0.0
        self._errands = Errands()
        self._silent_s = 0.0
        self._looked_s = 0.0
        self._kill_at_s = 0.0
        self._ending_since_s: float | None = None
        self._dying: list[tuple[WorkerProcess, float]] = []
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

    @property
    def _computes_on(self) -> str:
        """The device, as far as it is known: "auto" is the CPU where there is nothing else."""
        able = "CUDAExecutionProvider" in self._hello.get("providers", ())
        return "cpu" if self.device == "auto" and not able else self.device

    @property
    def busy(self) -> bool:
        """True while a job waits or runs, or a process that was let go has not ended yet."""
        return bool(self._errands.waiting or self._errands.out or self._dying)

    def start(self) -> None:
        """Start the worker if there is none; what goes wrong is told in ``problem``.

        Soon after an unexpected end it is ``poll`` that starts it, when it is time.
        """
        if self._process is not None or time.monotonic() < self._start_after_s:
            return
        self.problem = ""
        try:
            self._door = Door()
            start = {
                "port": self._door.port,
                "token": self._door.token.hex(),
                **self._start_fields,
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
        self._look_at_idle()
        ticket = self._errands.hand_in(job, args, arrays or {}, self.threads)
        if not ticket.finished:
            self.start()
            self._post_next()
        return ticket

    def cancel(self, ticket: Ticket) -> None:
        """End a job: at once when it waits; a running one that does not stop is killed.

        Express jobs are short, so nothing is killed for them.
        """
        if ticket.finished or ticket.cancelling:
            return
        errand = self._errands.out.get(ticket.id)
        if errand is not None and self._link is not None:
            ticket.cancelling = True
            if self._ordinary(errand):  # of which there is one: no other cancel moves its deadline
                self._kill_at_s = time.monotonic() + self._deadlines.cancel
            self._link.post(Message({"type": "cancel", "id": ticket.id}))
            return
        self._errands.withdraw(ticket)

    def poll(self) -> None:
        """Move everything on: connection, messages, deadlines, the next job. Never waits."""
        self._look_at_dying()
        if self._process is not None:
            if self._link is None:
                self._look_at_door(self._process)
            if self._link is not None:
                self._look_at_link(self._link, self._process)
        if self._errands.waiting and self._process is None:
            self.start()
        self._post_next()

    def let_go(self) -> None:
        """Ask the worker to end, without waiting for it; unfinished jobs are cancelled."""
        self._errands.cancel_all()
        self._close("The worker was stopped.", kill=False)
        self.problem = ""
        self._start_after_s = 0.0

    def stop(self) -> None:
        """End the worker and wait until it is dead; unfinished jobs are cancelled."""
        self.let_go()
        for process, kill_at_s in self._dying:
            process.stop(max(0.0, kill_at_s - time.monotonic()))
        self._dying.clear()

    def _look_at_dying(self) -> None:
        """Forget processes that have ended, kill those that were asked to and do not."""
        now = time.monotonic()
        self._dying = [item for item in self._dying if item[0].exit_code() is None]
        for process, kill_at_s in self._dying:
            if now > kill_at_s:
                process.kill()

    def _look_at_door(self, process: WorkerProcess) -> None:
        connection = self._door.poll() if self._door else None
        if connection is not None:
            self._link = Link(connection)
        elif process.exit_code() is not None:
            self._lose(f"The Facewright worker ended {_how(process)} before it was ready.")
        elif time.monotonic() > self._hello_before_s:
            self._lose("The Facewright worker did not get ready in time.")

    def _look_at_link(self, link: Link, process: WorkerProcess) -> None:
        before = link.received
        messages = link.poll()
        now = time.monotonic()
        if link.received > before:
            self._silent_s = 0.0
        else:
            self._silent_s += min(now - self._looked_s, LOOK_S)
        self._looked_s = now
        for message in messages:
            self._take(message)
            if self._link is not link:  # the message ended it
                return
        if link.malformed:
            self._lose(f"The Facewright worker sent something unreadable. {link.reason}")
        elif link.closed or process.exit_code() is not None:
            self._look_at_end(link, process, now)
        elif not self._hello:
            if now > self._hello_before_s:
                self._lose("The Facewright worker did not get ready in time.")
        elif self._errands.out:
            self._look_at_work(now)

    def _look_at_work(self, now: float) -> None:
        """Is the worker still with us, and does it stop when it was asked to?"""
        for errand in self._errands.out.values():
            errand.ticket.silent_s = self._silent_s
            if errand.ticket.cancelling and now > self._kill_at_s and self._ordinary(errand):
                reason = "The worker was ended because a cancelled job did not stop."
                self._errands.bury(reason, "", self._computes_on)
                self._close(reason)
                return
        patience_s = max(self._deadlines.silent, self._errands.patience_s)
        if self._silent_s > patience_s:
            self._lose(
                f"The Facewright worker did not say a word for {patience_s:.0f} seconds and was"
                " ended."
            )

    def _ordinary(self, errand: Errand) -> bool:
        return errand.ticket.job not in self._errands.rules.express

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

    def _look_at_idle(self) -> None:
        """A worker that died with nothing to do is no fault of the job that comes now."""
        process = self._process
        idle = bool(self._hello) and not self._errands.out
        if idle and process is not None and process.exit_code() is not None:
            self._lose(f"The Facewright worker ended {_how(process)}.")
            self._start_after_s = 0.0

    def _take(self, message: Message) -> None:
        if message.type == "hello":
            self._take_hello(message.fields)
            return
        ticket = self._errands.take(message)
        if ticket is not None and ticket.job == "free" and ticket.result.get("open") == 0:
            self._retire()

    def _take_hello(self, fields: Fields) -> None:
        if fields.get("protocol") != PROTOCOL:
            self._lose("The Facewright worker is of another version. Restart Blender.")
            return
        self._hello = fields
        self._errands.rules = Rules.from_hello(fields)

    def _retire(self) -> None:
        """Let a worker go that holds nothing any more: only that gives all memory back."""
        if not self._errands.waiting and not self._errands.out:
            self._close("The worker was not needed any more.", kill=False)

    def _post_next(self) -> None:
        if not self._errands.waiting or not self._hello or self._link is None:
            return
        if not self._errands.out:
            self._silent_s = 0.0
            self._looked_s = time.monotonic()
        for message in self._errands.send_now():
            self._link.post(message)

    def _lose(self, problem: str) -> None:
        """The worker is of no use any more: what ran gets one more chance with another worker.

        One that never got ready is not tried again: what waits for it fails.
        """
        words = self._process.last_words() if self._process else ""
        self.problem = f"{problem} Its log is {self._log_path}.{_last_line(words)}"
        if self._hello:
            self._errands.bury(self.problem, words, self._computes_on)
            self._start_after_s = time.monotonic() + self._deadlines.backoff
        else:
            self._errands.fail_all(self.problem, words)
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
            self._dying.append((self._process, time.monotonic() + self._deadlines.stop))
        self._door = self._link = self._process = None
        self._hello = {}
        self._ending_since_s = None


def _last_line(words: str) -> str:
    """The last thing of weight that a worker said, as a sentence; "" when there is none."""
    lines = [line for line in words.splitlines() if f" INFO {LOGGER}" not in line]
    return f" The last line is: {lines[-1][:LINE_LIMIT]}" if lines else ""


def _how(process: WorkerProcess) -> str:
    code = process.exit_code()
    return f"by signal {-code}" if code is not None and code < 0 else f"with exit code {code}"
