# SPDX-License-Identifier: GPL-3.0-or-later
"""Work in Blender's process in small steps: as many at once as a window hardly notices."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import TypeVar

from .asking import Progress
from .rendering import until_rendered

SLICE_S = 0.03  # of work between two looks at the window
T = TypeVar("T")


class Pace:
    """Says when it is time to let the window live."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    @property
    def due(self) -> bool:
        """Whether so much time has gone since it was due the last time."""
        now = time.monotonic()
        if now - self._since < SLICE_S:
            return False
        self._since = now
        return True


def told_of(
    steps: Generator[float, None, T], text: str, start: float = 0.0, share: float = 1.0
) -> Generator[Progress, None, T]:
    """Steps that yield how much of them is done, 0 to 1, as steps of progress from ``start`` on,
    which are worth ``share`` of the whole; they wait while a render reads the scene."""
    pace, done = Pace(), 0.0
    try:
        while True:
            yield from until_rendered(start + share * done)
            done = next(steps)
            if pace.due:
                yield Progress(start + share * done, text)
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        steps.close()
