# SPDX-License-Identifier: GPL-3.0-or-later
"""The caller's wishes during a run: progress out, cancel in, seconds per stage."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from .errors import Cancelled

Progress = Callable[[float, str], None]
Check = Callable[[], bool]


@dataclass
class Watch:
    """One run. ``timings`` seconds by stage; ``reached`` the share done, which never falls."""

    progress: Progress | None = None
    cancelled: Check | None = None
    timings: dict[str, float] = field(default_factory=dict)
    reached: float = 0.0

    def tell(self, share: float, text: str) -> None:
        """Say how far the run is, 0..1. Raises Cancelled when the caller wishes to stop."""
        if self.cancelled is not None and self.cancelled():
            raise Cancelled
        self.reached = max(self.reached, min(share, 1.0))
        if self.progress is not None:
            self.progress(self.reached, text)

    @contextmanager
    def stage(self, name: str, share: float, text: str) -> Iterator[None]:
        """Time what is done inside as a stage; stages of one name add up."""
        self.tell(share, text)
        begin = time.perf_counter()
        yield
        self.timings[name] = self.timings.get(name, 0.0) + time.perf_counter() - begin
