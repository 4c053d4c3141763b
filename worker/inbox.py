# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the receiving thread leaves jobs for the working one: an ordinary and an express row."""

from __future__ import annotations

import threading
from collections import deque

from .messages import Message


class Inbox:
    """Two rows of messages, safe between threads."""

    def __init__(self) -> None:
        self._ordinary: deque[Message] = deque()
        self._express: deque[Message] = deque()
        self._changed = threading.Condition()

    def put(self, message: Message, express: bool) -> None:
        """Add a message to the end of its row."""
        with self._changed:
            (self._express if express else self._ordinary).append(message)
            self._changed.notify()

    def wait(self) -> None:
        """Wait until there is a message in either row."""
        with self._changed:
            self._changed.wait_for(lambda: self._express or self._ordinary)

    def take_ordinary(self) -> Message | None:
        """Return the next ordinary message, None when there is none now."""
        with self._changed:
            return self._ordinary.popleft() if self._ordinary else None

    def take_express(self) -> Message | None:
        """Return the next express message, None when there is none now."""
        if not self._express:  # looked at without the lock: asked hundreds of times a second
            return None
        with self._changed:
            return self._express.popleft() if self._express else None
