# SPDX-License-Identifier: GPL-3.0-or-later
"""The waveform strip of a real window under a simulated mouse."""

from __future__ import annotations

import sys
from typing import Any

import bpy
import driver


class Here:
    """The extension's modules, the player, and places of the strip in window pixels."""

    def __init__(self, extension: Any) -> None:
        self.name = extension.__name__

    def module(self, name: str) -> Any:
        return sys.modules[f"{self.name}.{name}"]

    @property
    def player(self) -> Any:
        return bpy.context.scene.facewright.players[0]

    @property
    def view(self) -> Any:
        """The strip as the viewport shows it; None while it shows none."""
        with bpy.context.temp_override(**driver.viewport()):
            return self.module("operators.strip_view").view(bpy.context)

    def at(self, seconds: float, row: str = "wave") -> tuple[int, int]:
        """Window pixels of a time in one of the strip's rows."""
        place, strip = driver.viewport()["region"], self.view.strip
        box = getattr(strip, row)
        x, y = strip.axis.x_of(seconds), box.y + box.height / 2
        return place.x + round(x), place.y + round(y)

    def frame_of(self, seconds: float) -> int:
        with bpy.context.temp_override(**driver.viewport()):
            return round(self.view.time.frame_of(seconds))


def hover(x: int, y: int) -> driver.Steps:
    move(x, y)
    yield


def move(x: int, y: int) -> None:
    for by in (2, 0):  # a gizmo notices the pointer when it moves over it
        driver.window().event_simulate(type="MOUSEMOVE", value="NOTHING", x=x - by, y=y)


def key(key: str, x: int, y: int) -> driver.Steps:
    move(x, y)
    yield
    for value in ("PRESS", "RELEASE"):
        driver.window().event_simulate(type=key, value=value, x=x, y=y)
    yield


def drag(begin: tuple[int, int], end: tuple[int, int], release: str = "LEFTMOUSE") -> driver.Steps:
    move(*begin)
    yield
    send = driver.window().event_simulate
    send(type="LEFTMOUSE", value="PRESS", x=begin[0], y=begin[1])
    yield
    for step in range(1, 4):
        x = begin[0] + (end[0] - begin[0]) * step // 3
        y = begin[1] + (end[1] - begin[1]) * step // 3
        send(type="MOUSEMOVE", value="NOTHING", x=x, y=y)
        yield
    if release == "ESC":
        for value in ("PRESS", "RELEASE"):
            send(type="ESC", value=value, x=end[0], y=end[1])
        yield
    send(type="LEFTMOUSE", value="RELEASE", x=end[0], y=end[1])
    yield
