# SPDX-License-Identifier: GPL-3.0-or-later
"""What the demo tells while it works: stages, their progress and times, the files."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Report:
    """Prints stages with their seconds; progress on one line where a person is watching."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._shown = -1
        self._watched = sys.stdout.isatty()

    def say(self, text: str) -> None:
        print(text, flush=True)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self.say(f"-- {name}")
        self._shown = -1
        began = time.monotonic()
        yield
        self.say(f"   {time.monotonic() - began:.1f} s")

    def progress(self, share: float, text: str) -> None:
        """Show ``share`` 0..1 in steps of a tenth, or of a hundredth on a terminal."""
        steps = 100 if self._watched else 10
        now = int(share * steps)
        if now == self._shown:
            return
        self._shown = now
        line = f"   {share:4.0%} {text}"
        if self._watched:
            print(f"\r{line:<60}", end="" if share < 1 else "\n", flush=True)
        else:
            self.say(line)

    @staticmethod
    def file(path: Path) -> str:
        return f"   {path}  ({path.stat().st_size / 1e6:.2f} MB)"

    def total(self) -> None:
        self.say(f"demo: {time.monotonic() - self._began:.1f} s")

    @staticmethod
    def is_sentence(error: Exception) -> bool:
        """Whether the error is one clear sentence for the user, of the extension's own kind."""
        return type(error).__name__ == "UserError"
