# SPDX-License-Identifier: GPL-3.0-or-later
"""How the independent parts of a run are gone through: one by one, or several at a time.

The engine knows no threads. Its caller may hand in a ``Spread`` that has them; the results are the
same, bit for bit, because the parts are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Spread(Protocol):
    """Does a piece of work for each of many items."""

    def __call__(
        self,
        work: Callable[[Item], Result],
        items: Iterable[Item],
        waiting: Callable[[], None],
    ) -> Iterator[Result]:
        """Results in the order of the items, of which only a few are taken ahead.

        ``work`` may run on any thread, ``waiting`` runs on the caller's: before each result, and
        now and then until it is there. What either raises ends the run; then, and when the
        iterator is closed, no work goes on.
        """


def one_by_one(
    work: Callable[[Item], Result], items: Iterable[Item], waiting: Callable[[], None]
) -> Iterator[Result]:
    """A ``Spread`` on the caller's own thread."""
    for item in items:
        waiting()
        yield work(item)
