# SPDX-License-Identifier: GPL-3.0-or-later
"""Having the worker do a job, in steps that never wait; and waiting for such steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from ..core.errors import Cancelled, UserError
from ..providers.base import Ticket
from .faults import WorkerFault
from .worker_host import worker

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
) -> Generator[Progress, None, Ticket]:
    """Let the worker do a job of its table; closing the generator ends it there.

    ``between`` is called in every step, and what it raises ends the job.
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
        if not ticket.finished:
            provider.cancel(ticket)
            provider.poll()
    if ticket.state == "cancelled":
        raise Cancelled("Cancelled.")
    if ticket.state == "failed":
        if ticket.kind == "user":
            raise UserError(ticket.error)
        raise WorkerFault(ticket.error, ticket.traceback, ticket.kind != "worker")
    return ticket


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
