# SPDX-License-Identifier: GPL-3.0-or-later
"""Threads for a network whose batches do not need each other.

A small network gains more from whole batches side by side than from several threads within one.
The threads live as long as one run. Meanwhile the main thread waits in short steps, so that express
jobs are done and a cancel is heard.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from itertools import chain, islice

from ..core.network.lanes import Item, Result, Spread, one_by_one

STEP_S = 0.01
AHEAD = 2  # items given out for each lane: one is there when another has ended


def lanes(count: int) -> Spread:
    """So many lanes; one is the main thread itself."""
    return partial(_side_by_side, count) if count > 1 else one_by_one


def _side_by_side(
    count: int,
    work: Callable[[Item], Result],
    items: Iterable[Item],
    waiting: Callable[[], None],
) -> Iterator[Result]:
    rest = iter(items)
    begin = list(islice(rest, 2))
    if len(begin) < 2:  # a live voice has one batch at a time: no threads are begun for that
        yield from one_by_one(work, begin, waiting)
        return
    rest = chain(begin, rest)
    row: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(count, "lane")
    try:
        while True:
            row.extend(pool.submit(work, item) for item in islice(rest, AHEAD * count - len(row)))
            if not row:
                return
            waiting()
            while not wait((row[0],), STEP_S).done:
                waiting()
            yield row.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
