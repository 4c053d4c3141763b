# SPDX-License-Identifier: GPL-3.0-or-later
"""Drives a real Blender window: a script is a generator that acts, yields and looks again.

Simulated events take effect only after the callback that sent them has returned, so every step
that waits for Blender yields. A failure or an exception ends Blender with a code other than 0.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bpy

TICK_S = 0.25
TABS_PX = 24  # at the right of a sidebar
SHOTS = Path(os.environ["FACEWRIGHT_SHOTS"])
ZIP = os.environ["FACEWRIGHT_ZIP"]
VOICE = os.environ["FACEWRIGHT_VOICE"]

Steps = Iterator[None]


def run(script: Callable[[], Steps], limit_s: float = 180.0) -> None:
    """Start the script once the window is up; Blender ends with it."""
    preferences = bpy.context.preferences
    preferences.view.show_splash = False  # it swallows every simulated event
    preferences.use_preferences_save = False
    steps, end = script(), time.monotonic() + limit_s

    def tick() -> float:
        try:
            next(steps)
        except StopIteration:
            _leave(0)
        except BaseException:
            traceback.print_exc()
            shot("failure")
            _leave(5)
        if time.monotonic() > end:
            print(f"the script took more than {limit_s} s", flush=True)
            shot("failure")
            _leave(6)
        return TICK_S

    bpy.app.timers.register(tick, first_interval=1.0, persistent=True)


def _leave(code: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # an exception in a timer does not change Blender's own exit code


def wait_for(what: str, done: Callable[[], bool], limit_s: float = 60.0) -> Steps:
    """Yield until ``done`` is true; a failure names what was waited for."""
    end = time.monotonic() + limit_s
    while not done():
        if time.monotonic() > end:
            raise AssertionError(f"waited {limit_s} s for: {what}")
        yield


def window() -> Any:
    return bpy.context.window_manager.windows[0]


def area(kind: str) -> Any:
    return next(item for item in window().screen.areas if item.type == kind)


def region(kind: str, of_area: Any) -> Any:
    return next(item for item in of_area.regions if item.type == kind)


def viewport() -> dict[str, Any]:
    """Context for operators that expect the pointer in the 3D viewport."""
    view = area("VIEW_3D")
    return {"window": window(), "area": view, "region": region("WINDOW", view)}


def point_at_viewport() -> tuple[int, int]:
    """Move the pointer to the middle of the 3D viewport, in window pixels."""
    place = viewport()["region"]
    x, y = place.x + place.width // 2, place.y + place.height // 2
    window().event_simulate(type="MOUSEMOVE", value="NOTHING", x=x, y=y)
    return x, y


def press(key: str, **held: bool) -> Steps:
    """Press and release a key over the 3D viewport, as a person would."""
    x, y = point_at_viewport()
    yield
    for value in ("PRESS", "RELEASE"):
        window().event_simulate(type=key, value=value, x=x, y=y, **held)
    yield
    yield


def click(x: int, y: int) -> Steps:
    """Click with the left button at window pixels."""
    window().event_simulate(type="MOUSEMOVE", value="NOTHING", x=x, y=y)
    yield
    for value in ("PRESS", "RELEASE"):
        window().event_simulate(type="LEFTMOUSE", value=value, x=x, y=y)
        yield
    yield


def open_sidebar(category: str) -> Steps:
    """Show the sidebar's tab of this name in the 3D viewport."""
    view = area("VIEW_3D")
    view.spaces.active.show_region_ui = True
    yield
    region("UI", view).active_panel_category = category
    view.tag_redraw()
    yield
    yield


def shot(name: str) -> None:
    """Keep a picture of the whole screen; Blender's own screenshot is black without a GPU."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    target = str(SHOTS / f"{name}.png")
    subprocess.run(["import", "-window", "root", target], check=False, timeout=30)


def redrawn() -> Steps:
    """Let every area draw itself anew, twice: a panel's height is known after the first time."""
    for _ in range(2):
        for each in window().screen.areas:
            each.tag_redraw()
        yield
    yield


def shot_of_sidebar(name: str) -> None:
    """Keep a picture of the sidebar alone, without the empty part below its panels.

    That is told by its even colour, so the sidebar must not lie over the viewport."""
    shot(name)
    side = region("UI", area("VIEW_3D"))
    top = window().height - side.y - side.height
    picture = str(SHOTS / f"{name}.png")
    place = f"{side.width - TABS_PX}x{side.height}+{side.x}+{top}"
    words = ["convert", picture, "-crop", place, "+repage", "-shave", "3x3", picture]
    subprocess.run(words, check=False, timeout=30)
    below = f"%[pixel:p{{2,{side.height - 12}}}]"
    words = ["convert", picture, "-format", below, "info:"]
    colour = subprocess.run(words, check=False, timeout=30, capture_output=True, text=True).stdout
    # What is cut away is what has the colour of the corners, so the upper ones get it as well.
    words = ["convert", picture, "-background", colour, "-gravity", "North", "-splice", "0x1"]
    words += ["-fuzz", "3%", "-trim", "+repage", picture]
    subprocess.run(words, check=False, timeout=30)


def install(module_name: str = "facewright") -> Any:
    """Install the zip as Preferences > Install from Disk does; the extension's module."""
    bpy.ops.extensions.package_install_files(
        filepath=ZIP, repo="user_default", enable_on_install=True
    )
    return sys.modules[f"bl_ext.user_default.{module_name}"]
