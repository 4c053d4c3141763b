# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs now and what came of the last job. Lives as long as Blender, never in a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Ending = Literal["done", "stopped", "failed"]


@dataclass
class JobState:
    """Written by operators, read by panels. ``cancel`` asks the running job to end; ``topic`` is
    the bl_idname of the panel that shows what came of it; "" is the main one."""

    running: bool = False
    fraction: float = 0.0
    text: str = ""
    cancel: bool = False
    outcome: str = ""
    ending: Ending = "done"
    notices: tuple[str, ...] = ()
    topic: str = ""

    def begin(self, topic: str = "") -> None:
        self.running, self.cancel = True, False
        self.fraction, self.text, self.outcome, self.notices = 0.0, "Starting", "", ()
        self.topic = topic

    def end(self, outcome: str, ending: Ending, notices: tuple[str, ...] = ()) -> None:
        self.running, self.cancel = False, False
        self.outcome, self.ending, self.notices = outcome, ending, notices

    @property
    def failed(self) -> bool:
        return self.ending == "failed"

    def clear(self) -> None:
        self.end("", "done")


STATE = JobState()
_SPEEDS: dict[str, tuple[str, str]] = {}  # by a pipeline's id: the model, and how fast it was


def note_speed(pipeline_id: str, model: str, sentence: str) -> None:
    """Remember how fast a pipeline's network was and where it ran; an empty sentence, of a take
    that did not ask the network, leaves what is known."""
    if pipeline_id and sentence:
        _SPEEDS[pipeline_id] = model, sentence


def speed_of(pipeline_id: str, model: str) -> str:
    """How fast the network was when it ran last; empty as long as this model has not."""
    known, sentence = _SPEEDS.get(pipeline_id, ("", ""))
    return sentence if known == model else ""


def _clear() -> None:
    STATE.clear()
    _SPEEDS.clear()


def register() -> None:
    _clear()


def unregister() -> None:
    _clear()
