# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbered work done by several processes side by side, its results in order.

Result n depends on n alone, so what comes out is the same whatever the number of processes.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
from collections.abc import Callable, Generator, Iterator
from multiprocessing.connection import Connection
from typing import Any, TypeVar

T = TypeVar("T")


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def results(
    prepare: Callable[[], Callable[[int], T]], jobs: int, first: int = 0, count: int | None = None
) -> Generator[T, None, None]:
    """The results of work ``first``, ``first + 1``, ... in that order.

    ``prepare`` makes the function that does one piece of work; it is called once in each of the
    ``jobs`` processes (0: in this one). Without a ``count`` the work has no end: close the
    iterator. Processes stop when it is closed, and by themselves when this process is gone. They
    are copies of this one (fork), so they must not use torch. What a piece of work raises is
    raised here as a RuntimeError.
    """
    last = None if count is None else first + count
    if not jobs:
        work = prepare()
        for number in _every(1, first, last):
            yield work(number)
        return
    context = multiprocessing.get_context("fork")
    ends: list[Connection] = []
    processes = []
    try:
        for place in range(jobs):
            mine, theirs = context.Pipe(duplex=False)
            ends.append(mine)
            process = context.Process(
                target=_serve,
                args=(prepare, theirs, tuple(ends), _every(jobs, first + place, last)),
                daemon=True,
            )
            process.start()
            theirs.close()
            processes.append(process)
        for number in _every(1, first, last):
            yield _received(ends[(number - first) % jobs])
    finally:
        for end in ends:
            end.close()
        for process in processes:
            process.terminate()
            process.join()


def _every(step: int, first: int, last: int | None) -> Iterator[int]:
    return itertools.count(first, step) if last is None else iter(range(first, last, step))


def _received(end: Connection) -> Any:
    try:
        result, problem = end.recv()
    except EOFError:
        raise RuntimeError("A process that worked for this one has ended; start again.") from None
    if problem is not None:
        raise RuntimeError(problem)
    return result


def _serve(
    prepare: Callable[[], Callable[[int], Any]],
    told: Connection,
    others: tuple[Connection, ...],
    numbers: Iterator[int],
) -> None:
    """Work until all is done or nobody listens any more."""
    for end in others:  # copies of the listener's: while they are open no pipe would ever break
        end.close()
    try:
        work = prepare()
        for number in numbers:
            told.send((work(number), None))
    except (BrokenPipeError, KeyboardInterrupt):
        pass
    except Exception as error:  # whatever it is, the listener raises it
        told.send((None, f"{type(error).__name__}: {error}"))
