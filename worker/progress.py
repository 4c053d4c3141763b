# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running job tells: how far it is, and how long it will now be silent."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from .messages import Fields, Message

INTERVAL_S = 0.05
PATIENCE_LIMIT_S = 3600.0


class Telling:
    """The progress of one job: at most one message each ``INTERVAL_S``, unless something changes.

    ``between`` is called every time: what else the worker does while a job computes.
    """

    def __init__(
        self, identity: int, send: Callable[[Message], None], between: Callable[[], None]
    ) -> None:
        self._identity = identity
        self._send = send
        self._between = between
        self._stage = ""
        self._patience_s = 0.0
        self._next_s = 0.0

    def __call__(self, fraction: float, stage: str, patience_s: float = 0.0) -> None:
        """See ``calls.Progress``; on the main thread only."""
        now = time.monotonic()
        changed = stage != self._stage or patience_s != self._patience_s
        if now >= self._next_s or changed:
            self._stage, self._patience_s = stage, patience_s
            self._next_s = now + INTERVAL_S
            self._send(Message(self._fields(fraction)))
        self._between()

    def _fields(self, fraction: float) -> Fields:
        fields: Fields = {
            "type": "progress",
            "id": self._identity,
            "fraction": min(max(float(fraction), 0.0), 1.0) if math.isfinite(fraction) else 0.0,
            "stage": self._stage,
        }
        if self._patience_s > 0:
            fields["patience"] = min(float(self._patience_s), PATIENCE_LIMIT_S)
        return fields
