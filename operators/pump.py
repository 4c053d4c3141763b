# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves on, in short steps on Blender's main thread, what scripts have started.

In a window a timer does it; in background, where Blender runs no timers, whoever waits does.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Protocol
from weakref import WeakSet

import bpy

TICK_S = 0.02


class Task(Protocol):
    """Something that goes on by itself once it is added."""

    def step(self) -> bool:
        """Do a little without waiting; True while there is more to do. Raises nothing."""
        ...

    def cancel(self) -> None:
        """End without leaving anything half done."""
        ...


class Watched(Protocol):
    """Something that may have something to do at any time."""

    def step(self) -> bool:
        """As a task's."""
        ...

    def close(self) -> None:
        """End for good, without leaving anything half done."""
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
        self.watched: WeakSet[Watched] = WeakSet()
        self.held: list[Watched] = []  # of those watched, the ones that have more to do
        self.running = False


_pump = _Pump()


def on_main_thread() -> bool:
    """Whether the caller runs on Blender's main thread, the only one that may use Blender."""
    return _thread() == _pump.main_thread


def add(task: Task) -> None:
    """Go on with the task until it is done. From the main thread only."""
    _pump.tasks.append(task)
    _start_timer()


def watch(task: Watched) -> None:
    """Ask the task again and again, until nobody holds it. From the main thread only."""
    _pump.watched.add(task)
    _start_timer()


def pump() -> None:
    """Let every task do a little. Does nothing on other threads and inside of itself."""
    if _pump.running or not on_main_thread():
        return
    _pump.running = True
    try:
        for task in tuple(_pump.tasks):
            if not task.step():
                _pump.tasks.remove(task)
        _pump.held = [task for task in tuple(_pump.watched) if task.step()]
    finally:
        _pump.running = False


def _start_timer() -> None:
    if not bpy.app.background and not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=TICK_S, persistent=True)


def _tick() -> float | None:
    pump()
    return TICK_S if _pump.tasks or _pump.watched else None


def register() -> None:
    """The extension is enabled on the main thread."""
    _pump.main_thread = _thread()


def unregister() -> None:
    for task in tuple(_pump.tasks):
        task.cancel()
    for watched in tuple(_pump.watched):
        watched.close()
    _pump.tasks.clear()
    _pump.watched.clear()
    _pump.held.clear()
    with suppress(ValueError):
        bpy.app.timers.unregister(_tick)
