# SPDX-License-Identifier: GPL-3.0-or-later
"""The microphones of this computer, as the worker last told. As long as Blender runs, in no file.

Written by operators, read by drop-downs and panels.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

SYSTEM = "SYSTEM"


@dataclass
class Microphones:
    """``names`` of all, ``reason`` why there are none; ``asked`` once somebody wanted to know and
    ``known`` once that was answered."""

    names: tuple[str, ...] = ()
    reason: str = ""
    asked: bool = False
    known: bool = False

    def learn(self, names: tuple[str, ...], reason: str) -> None:
        self.names, self.reason = names, reason
        self.asked = self.known = True

    def forget(self) -> None:
        self.names, self.reason, self.asked, self.known = (), "", False, False

    def absent(self, name: str) -> bool:
        """Whether a chosen microphone is not among those that are there."""
        return self.known and bool(name) and name not in self.names


MICROPHONES = Microphones()


@lru_cache(maxsize=16)
def _items(names: tuple[str, ...]) -> list[tuple[str, str, str, str, int]]:
    """Blender keeps no reference to the texts of an enum, so somebody has to."""
    own = (SYSTEM, "System Default", "The input device that the system has chosen", "BLANK1", 0)
    found = enumerate(names, start=1)
    return [own, *((f"DEVICE_{at}", name, f"Listen to {name}", "BLANK1", at) for at, name in found)]


def _names(recorder: Any) -> tuple[str, ...]:
    """Those that are there, and the chosen one if it is not."""
    stored = recorder.microphone
    missing = (stored,) if stored and stored not in MICROPHONES.names else ()
    return (*MICROPHONES.names, *missing)


def microphone_items(self: Any, _context: Any = None) -> list[tuple[str, str, str, str, int]]:
    """The items of the drop-down of microphones."""
    return _items(_names(self))


def get_microphone(self: Any) -> int:
    """Place of the stored name among the items."""
    names = _names(self)
    return names.index(self.microphone) + 1 if self.microphone in names else 0


def set_microphone(self: Any, place: int) -> None:
    """Store the name of an item."""
    names = _names(self)
    self.microphone = names[place - 1] if 0 < place <= len(names) else ""


def register() -> None:
    MICROPHONES.forget()


def unregister() -> None:
    MICROPHONES.forget()
