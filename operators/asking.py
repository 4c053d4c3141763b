# SPDX-License-Identifier: GPL-3.0-or-later
"""Having the worker do a job, in steps that never wait; and waiting for such steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from ..core.errors import Cancelled, UserError
from ..providers.base import Ticket
from . import pump
from .faults import WorkerFault
from .worker_host import worker

if TYPE_CHECKING:
    from ..providers.local import LocalWorker

POLL_S = 0.01
T = TypeVar("T")


@dataclass(frozen=True)
class Progress:
    """How far something is, 0 to 1, and what is being done."""

    fraction: float
    text: str


def ask(
    job: str,
    args: Mapping[str, Any],
    arrays: Mapping[str, Any] | None = None,
    *,
    device: str = "",
    threads: int = 0,
    between: Callable[[], object] | None = None,
    undo: Callable[[], object] | None = None,
) -> Generator[Progress, None, Ticket]:
    """Let the worker do a job of its table; closing the generator ends it there.

    ``between`` is called in every step, and what it raises ends the job. ``undo`` is called when
    the job is over and was not done: then it can leave nothing more behind.
    Raises UserError, WorkerFault and Cancelled.
    """
    provider = worker(device, threads)
    ticket = provider.submit(job, dict(args), dict(arrays or {}))
    try:
        while not ticket.finished:
            provider.poll()
            if between is not None:
                between()
            yield Progress(ticket.progress, ticket.stage or "Starting")
    finally:
        ending = _Ending(provider, ticket, undo)
        if not ticket.finished:
            provider.cancel(ticket)
        if ending.step():
            pump.add(ending)
    if ticket.state == "cancelled":
        raise Cancelled("Cancelled.")
    if ticket.state == "failed":
        if ticket.kind == "user":
            raise UserError(ticket.error)
        raise WorkerFault(ticket.error, ticket.traceback, ticket.kind != "worker")
    return ticket


def part_of(
    steps: Generator[Progress, None, T], start: float, share: float
) -> Generator[Progress, None, T]:
    """The same steps as a part of something larger: their progress begins at ``start`` and is worth
    ``share`` of the whole."""
    try:
        while True:
            now = next(steps)
            yield Progress(start + share * now.fraction, now.text)
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        steps.close()


class _Ending:
    """Sees a job to its end that nobody waits for: one that does not stop has to be killed."""

    holds_worker = False  # the worker shows by itself that it is busy

    def __init__(
        self, provider: LocalWorker, ticket: Ticket, undo: Callable[[], object] | None
    ) -> None:
        self._provider, self._ticket, self._undo = provider, ticket, undo

    def step(self) -> bool:
        self._provider.poll()
        if not self._ticket.finished:
            return True
        if self._undo is not None and self._ticket.state != "done":
            self._undo()
        return False

    def cancel(self) -> None:
        """The extension ends, and its workers with it."""
        self._provider.stop()
        self.step()


def wait_for(
    steps: Generator[Progress, None, T], progress: Callable[[float, str], None] | None = None
) -> T:
    """Take all steps; returns what they come to."""
    try:
        while True:
            now = next(steps)
            if progress is not None:
                progress(now.fraction, now.text)
            time.sleep(POLL_S)
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        steps.close()
