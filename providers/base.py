# SPDX-License-Identifier: GPL-3.0-or-later
"""What every provider offers, wherever the work is done."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

from ..worker.messages import Arrays, Fields

State = Literal["queued", "running", "done", "failed", "cancelled"]


@dataclass(eq=False)
class Ticket:
    """One job that was handed in. The provider's ``poll`` keeps it up to date; others only read.

    ``progress`` 0 to 1 and ``stage`` what is being done; ``silent_s`` seconds without a word from
    the worker while running; ``deaths`` how often the worker ended unexpectedly meanwhile;
    ``result`` and ``arrays`` when done; when failed ``error`` in a sentence, ``kind`` whose fault
    it is and ``traceback`` for a report file (may be empty).
    """

    id: int
    job: str
    state: State = "queued"
    progress: float = 0.0
    stage: str = ""
    silent_s: float = 0.0
    deaths: int = 0
    cancelling: bool = False
    result: Fields = field(default_factory=dict)
    arrays: Arrays = field(default_factory=dict)
    error: str = ""
    kind: Literal["", "user", "internal", "worker"] = ""
    traceback: str = ""

    @property
    def finished(self) -> bool:
        """True when nothing more will happen to the ticket."""
        return self.state in ("done", "failed", "cancelled")


class Provider(Protocol):
    """Takes jobs and answers them. No call but ``stop`` waits for anything."""

    @property
    def hello(self) -> Fields:
        """Versions and files of what the jobs run with; empty until known."""
        ...

    def start(self) -> None:
        """Get ready; not needed before ``submit``."""
        ...

    def poll(self) -> None:
        """Move everything on as far as is possible now; call it often."""
        ...

    def submit(self, job: str, args: Fields, arrays: Arrays | None = None) -> Ticket:
        """Hand in a job of the worker's table; what is wrong is told by the ticket."""
        ...

    def cancel(self, ticket: Ticket) -> None:
        """Ask for the end of a job; its state becomes "cancelled" soon."""
        ...

    def stop(self) -> None:
        """End all work and wait until nothing of it is left."""
        ...
