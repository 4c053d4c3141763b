# SPDX-License-Identifier: GPL-3.0-or-later
"""The only place in training that writes to the terminal."""

from __future__ import annotations

import sys
import time


def say(text: str) -> None:
    """Print one line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


class Progress:
    """Reports a long stage: at most one line per ``every`` seconds, and one at its end."""

    def __init__(self, stage: str, total: float, unit: str, every: float = 15.0) -> None:
        self.stage, self.total, self.unit, self.every = stage, total, unit, every
        self.started = self.last = time.monotonic()

    def update(self, done: float, note: str = "") -> None:
        """Tell how much is done, in ``unit``."""
        now = time.monotonic()
        if now - self.last >= self.every:
            self.last = now
            self._line(done, note)

    def finish(self, done: float, note: str = "") -> None:
        """Tell the final amount."""
        self._line(done, note)

    def _line(self, done: float, note: str) -> None:
        seconds = time.monotonic() - self.started
        say(f"{self.stage}: {done:.1f} of {self.total:.1f} {self.unit}, {seconds:.0f} s  {note}")
