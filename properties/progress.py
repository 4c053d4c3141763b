# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs now and what came of the last job. Lives as long as Blender, never in a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Ending = Literal["done", "stopped", "failed"]


@dataclass
class JobState:
    """Written by operators, read by panels. ``cancel`` asks the running job to end; ``network``
    says how fast the network of the last take was, and where it ran."""

    running: bool = False
    fraction: float = 0.0
    text: str = ""
    cancel: bool = False
    outcome: str = ""
    ending: Ending = "done"
    notices: tuple[str, ...] = ()
    network: str = ""

    def begin(self) -> None:
        self.running, self.cancel, self.network = True, False, ""
        self.fraction, self.text, self.outcome, self.notices = 0.0, "Starting", "", ()

    def end(
        self, outcome: str, ending: Ending, notices: tuple[str, ...] = (), network: str = ""
    ) -> None:
        self.running, self.cancel = False, False
        self.outcome, self.ending, self.notices = outcome, ending, notices
        self.network = network

    @property
    def failed(self) -> bool:
        return self.ending == "failed"

    def clear(self) -> None:
        self.end("", "done")


STATE = JobState()


def register() -> None:
    STATE.clear()


def unregister() -> None:
    STATE.clear()
