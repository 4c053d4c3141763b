# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the worker in the background which microphones there are."""

from __future__ import annotations

from typing import Any

import bpy

from ..core.errors import Cancelled, UserError
from ..properties.library import preferences
from ..properties.microphones import MICROPHONES
from . import pump
from .asking import ask
from .faults import WorkerFault, report_fault, sentence
from .voices import redraw


def look_once() -> None:
    """Ask unless somebody has, or nobody would hear the answer; cheap enough while drawing."""
    if not MICROPHONES.asked and not bpy.app.background:
        look()


def look() -> None:
    """Ask; what is known stays until there is an answer."""
    if not _looking:
        MICROPHONES.asked = True
        _looking.append(_Looking())
        pump.add(_looking[-1])


class _Looking:
    """A task of the pump."""

    holds_worker = False  # the worker shows by itself that it is busy

    def __init__(self) -> None:
        self._steps: Any = None

    def step(self) -> bool:
        try:
            if self._steps is None:
                general = preferences()
                device, threads = getattr(general, "device", ""), getattr(general, "threads", 0)
                self._steps = ask("microphones", {}, device=device, threads=threads)
            next(self._steps)
            return True
        except StopIteration as end:
            result = end.value.result
            self._learn([row["name"] for row in result["microphones"]], result["reason"])
        except UserError as error:
            self._learn([], sentence(error))
        except WorkerFault as error:
            self._learn([], str(error))
        except Cancelled:
            MICROPHONES.asked = MICROPHONES.known
            self._forget()
        except Exception as error:
            self._learn([], report_fault(error))
        return False

    def cancel(self) -> None:
        if self._steps is not None:
            self._steps.close()
        self._forget()

    def _learn(self, names: list[str], reason: str) -> None:
        MICROPHONES.learn(tuple(str(name) for name in names), " ".join(str(reason).split()))
        self._forget()
        redraw()

    def _forget(self) -> None:
        if self in _looking:
            _looking.remove(self)


_looking: list[_Looking] = []
