# SPDX-License-Identifier: GPL-3.0-or-later
"""A render in the background reads the scene: nothing may be written to it until it is over."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import bpy

from ..core.errors import UserError

if TYPE_CHECKING:
    from .asking import Progress

WAITING = "Waiting for the render"
PATIENCE = "A render is running"


def rendering() -> bool:
    """Whether Blender renders while its window goes on."""
    return bool(bpy.app.is_job_running("RENDER"))


def until_rendered(fraction: float = 0.0) -> Generator[Progress, None, None]:
    """Steps that do nothing but wait until no render runs."""
    from .asking import Progress

    while rendering():
        yield Progress(fraction, WAITING)


def refuse_while_rendering() -> None:
    """Raise UserError: whoever waits for the scene keeps the render from coming to its end."""
    if rendering():
        raise UserError(f"{PATIENCE}.", "Animate when it is done.")
