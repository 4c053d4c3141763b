# SPDX-License-Identifier: GPL-3.0-or-later
"""Work that a script has started: it goes on by itself, and says how it ended."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Generic, TypeVar

from ..core.errors import Cancelled, UserError
from ..operators import pump
from ..operators.asking import Progress
from ..operators.faults import report_fault, sentence

POLL_S = 0.01
T = TypeVar("T")


class Job(Generic[T]):
    """One piece of work. In a window it goes on by itself; a script in background calls ``wait``.

    ``done``      nothing more will happen
    ``ok``        it succeeded; ``result`` then holds what was made
    ``error``     one sentence when it did not; ``cancelled`` when it was stopped
    ``progress``  0 to 1, and ``stage`` what is being done
    """

    holds_worker = False  # the worker shows by itself that it is busy

    def __init__(self, steps: Generator[Progress, None, T]) -> None:
        self._steps = steps
        self._stop = False
        self.done = False
        self.cancelled = False
        self.error = ""
        self.result: T | None = None
        self.progress = 0.0
        self.stage = ""
        pump.add(self)

    @property
    def ok(self) -> bool:
        return self.done and not self.error

    def wait(self, timeout_s: float | None = None) -> bool:
        """Go on until it is done, or until the time is over; True when it has succeeded.

        On Blender's main thread this moves the work on itself and holds the window up.
        """
        end = None if timeout_s is None else time.monotonic() + timeout_s
        while not self.done and (end is None or time.monotonic() < end):
            pump.pump_for("A job")
            if not self.done:
                time.sleep(POLL_S)
        return self.ok

    def cancel(self) -> None:
        """Stop, and leave the scene as it was."""
        self._stop = True
        pump.pump()

    def step(self) -> bool:
        """Called by the pump: one step; True while there is more."""
        if self.done:
            return False
        if self._stop:
            self._steps.close()
            self._end("Cancelled.", cancelled=True)
            return False
        try:
            now = next(self._steps)
        except StopIteration as end:
            self.result, self.progress = end.value, 1.0
            self._end("")
        except UserError as error:
            self._end(sentence(error))
        except Cancelled as error:
            self._end(str(error) or "Cancelled.", cancelled=True)
        except Exception as error:
            self._end(report_fault(error))
        else:
            self.progress, self.stage = now.fraction, now.text
        return not self.done

    def _end(self, error: str, *, cancelled: bool = False) -> None:
        self.done, self.error, self.cancelled = True, error, cancelled
