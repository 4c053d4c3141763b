# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs that were handed in: what waits, what is at the worker, and what becomes of them."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

from ..worker.messages import Arrays, Fields, Message, MessageError, encode
from .base import Ticket

RESTARTED = "The worker ended unexpectedly and was started again."
LOST = "The live session was lost with its worker."
DEATHS = 2  # of the worker during one job, then the job is given up


@dataclass(frozen=True)
class Rules:
    """Which jobs are special, as the worker's hello tells (see ``worker/calls.py``)."""

    express: frozenset[str] = frozenset()
    once: frozenset[str] = frozenset()

    @classmethod
    def from_hello(cls, hello: Fields) -> Rules:
        return cls(*(frozenset(map(str, hello.get(name) or ())) for name in ("express", "once")))


@dataclass(eq=False)
class Errand:
    """A ticket and the message that asks for it, kept for as long as it may be sent again.

    ``patience_s`` is how long the job has said that it will now be silent.
    """

    ticket: Ticket
    message: Message
    patience_s: float = 0.0

    @property
    def device(self) -> str:
        """What the job was asked to compute on; "" when it does not say."""
        return str(self.message.fields["args"].get("device") or "")


@dataclass
class Errands:
    """``waiting`` in the order of their turn, ``out`` at the worker by number."""

    waiting: deque[Errand] = field(default_factory=deque)
    out: dict[int, Errand] = field(default_factory=dict)
    rules: Rules = Rules()
    _last_id: int = 0

    @property
    def patience_s(self) -> float:
        """The longest silence that a job at the worker has asked for; 0 when none has.

        An express job that is answered takes nothing from the one that it was done in between of.
        """
        return max((one.patience_s for one in self.out.values()), default=0.0)

    def hand_in(self, job: str, args: Fields, arrays: Arrays, threads: int = 0) -> Ticket:
        """Take a job; what cannot be sent comes back as a failed ticket.

        ``threads`` for it if it names none itself; 0 leaves the choice to the worker.
        """
        self._last_id += 1
        ticket = Ticket(self._last_id, job)
        fields: Fields = {"type": "job", "id": ticket.id, "job": job, "args": args}
        if threads > 0:
            fields["threads"] = threads
        message = Message(fields, dict(arrays))
        try:
            encode(message)  # refused here rather than in a poll
        except MessageError as error:
            ticket.state, ticket.kind = "failed", "internal"
            ticket.error = f"The job {job!r} cannot be sent: {error}."
        else:
            self.waiting.append(Errand(ticket, message))
        return ticket

    def withdraw(self, ticket: Ticket) -> None:
        """Cancel a job that waits."""
        self.waiting = deque(one for one in self.waiting if one.ticket is not ticket)
        ticket.state = "cancelled"

    def send_now(self) -> Iterator[Message]:
        """Messages of the jobs whose turn it is: one ordinary at a time, express ones always."""
        busy = any(one.ticket.job not in self.rules.express for one in self.out.values())
        staying: deque[Errand] = deque()
        while self.waiting:
            one = self.waiting.popleft()
            ordinary = one.ticket.job not in self.rules.express
            if ordinary and busy:
                staying.append(one)
                continue
            busy = busy or ordinary
            one.ticket.state, one.patience_s = "running", 0.0
            self.out[one.ticket.id] = one
            yield one.message
        self.waiting = staying

    def take(self, message: Message) -> Ticket | None:
        """Bring a ticket up to date; returns it when this was its answer."""
        errand = self.out.get(cast("int", message.fields.get("id")))
        if errand is None:
            return None
        ticket, fields = errand.ticket, message.fields
        if message.type == "progress":
            ticket.progress = _number(fields.get("fraction"))
            ticket.stage = str(fields.get("stage", ""))
            errand.patience_s = _number(fields.get("patience"))
            return None
        if message.type not in ("done", "failed"):
            return None
        del self.out[ticket.id]
        _finish(ticket, message)
        return ticket

    def bury(self, problem: str, last_words: str, device: str) -> None:
        """The worker has died: what it did is handed in once more, or fails.

        ``device`` is where jobs compute that name none, or "auto". A job that was being cancelled
        is cancelled.
        """
        again: list[Errand] = []
        for one in self.out.values():
            ticket = one.ticket
            ticket.deaths += 1
            if ticket.cancelling:
                ticket.state = "cancelled"
            elif ticket.job in self.rules.once:
                fail(ticket, f"{LOST} {problem}", last_words)
            elif ticket.deaths >= DEATHS:
                on = device if one.device in ("", "auto") else one.device
                fail(ticket, _given_up(problem, on), last_words)
            else:
                ticket.state, ticket.stage = "queued", "Starting the worker again"
                ticket.progress = 0.0
                again.append(one)
        self.out.clear()
        self.waiting.extendleft(reversed(again))

    def fail_all(self, problem: str, last_words: str) -> None:
        """No worker can be had: nothing that waits can be done."""
        for one in (*self.out.values(), *self.waiting):
            fail(one.ticket, problem, last_words)
        self.out.clear()
        self.waiting.clear()

    def cancel_all(self) -> None:
        """Nobody wants any of it any more."""
        for one in (*self.out.values(), *self.waiting):
            one.ticket.state = "cancelled"
        self.out.clear()
        self.waiting.clear()


def fail(ticket: Ticket, error: str, last_words: str) -> None:
    """End a ticket because of its worker."""
    if ticket.cancelling:
        ticket.state = "cancelled"
        return
    ticket.state, ticket.kind = "failed", "worker"
    ticket.error, ticket.traceback = error, last_words


def _given_up(problem: str, device: str) -> str:
    advice = " Choose the CPU as device." if device not in ("", "cpu") else ""
    return f"The worker ended twice during this job, so it was given up.{advice} {problem}"


def _number(value: object) -> float:
    usable = isinstance(value, (int, float)) and math.isfinite(value)
    return float(cast("float", value)) if usable else 0.0


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
        if ticket.deaths:
            notices: object = ticket.result.get("notices")
            ticket.result["notices"] = [*(notices if isinstance(notices, list) else ()), RESTARTED]
    else:
        ticket.state = "failed"
        ticket.kind = "user" if kind == "user" else "internal"
        ticket.error = str(fields.get("error", "The job failed."))
        ticket.traceback = str(fields.get("traceback", ""))
