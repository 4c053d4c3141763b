# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves on, in short steps on Blender's main thread, what scripts have started.

In a window a timer does it; in background, where Blender runs no timers, whoever waits does.
"""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from typing import Protocol

import bpy

from ..core.errors import UserError
from .faults import report_fault
from .rendering import rendering

LOG = logging.getLogger(__name__)
TICK_S = 0.02
QUICK_S = 1 / 120  # while somebody is seen to move as one speaks


class Task(Protocol):
    """Something that goes on by itself once it is added."""

    @property
    def holds_worker(self) -> bool:
        """Whether a worker that looks idle must not be ended now."""
        ...

    def step(self) -> bool:
        """Do a little without waiting; True while there is more to do. Raises nothing."""
        ...

    def cancel(self) -> None:
        """End without leaving anything half done."""
        ...


def _thread() -> int:
    """Number of the calling thread. (Blender's side imports no ``threading``.)"""
    here = sys._getframe()
    for number, frame in sys._current_frames().items():
        if frame is here:
            return number
    return 0


class _Pump:
    def __init__(self) -> None:
        self.main_thread = _thread()
        self.tasks: list[Task] = []
        self.quick: list[Task] = []
        self.running = False


_pump = _Pump()


def on_main_thread() -> bool:
    """Whether the caller runs on Blender's main thread, the only one that may use Blender."""
    return _thread() == _pump.main_thread


def require_main_thread(what: str) -> None:
    """Raise UserError on another thread: Blender crashes when two use it at once."""
    if not on_main_thread():
        raise UserError(f"{what} can only be called on Blender's main thread.")


def add(task: Task, quick: bool = False) -> None:
    """Go on with the task until it is done. From the main thread only.

    ``quick`` ones take their steps more often, as long as they last.
    """
    _pump.tasks.append(task)
    if quick:
        _pump.quick.append(task)
    _start_timer()


def pump() -> None:
    """Let every task do a little. Does nothing on other threads and inside of itself."""
    if _pump.running or not on_main_thread():
        return
    _pump.running = True
    try:
        for task in tuple(_pump.tasks):
            if not _stepped(task) and task in _pump.tasks:  # a step may disable the extension
                _pump.tasks.remove(task)
        _pump.quick = [task for task in _pump.quick if task in _pump.tasks]
    finally:
        _pump.running = False


def session_open() -> bool:
    """Whether a live session goes on; between two pieces of sound its worker looks idle."""
    return any(task.holds_worker for task in _pump.tasks)


def pump_for(what: str) -> None:
    """``pump`` for somebody who waits. Raises UserError inside of a step, where it would never end:
    in a handler of Blender's that runs because a step writes keyframes."""
    if _pump.running and on_main_thread():
        raise UserError(f"{what} cannot be waited for while the scene is being written.")
    if rendering() and on_main_thread():  # what writes waits for the render, which waits for us
        raise UserError(f"{what} cannot be waited for while Blender renders.")
    pump()


def _stepped(task: Task) -> bool:
    """One step; what should never happen ends this one alone, not the timer of all."""
    try:
        return task.step()
    except Exception as error:
        LOG.error(report_fault(error))
        return False


def _start_timer() -> None:
    if not bpy.app.background and not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=TICK_S, persistent=True)


def _tick() -> float | None:
    pump()
    if not _pump.tasks:
        return None
    return QUICK_S if _pump.quick else TICK_S


def register() -> None:
    """The extension is enabled on the main thread."""
    _pump.main_thread = _thread()


def unregister() -> None:
    for task in tuple(_pump.tasks):
        task.cancel()
    _pump.tasks.clear()
    _pump.quick.clear()
    with suppress(ValueError):
        bpy.app.timers.unregister(_tick)
