# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps scenes in order when they are loaded, copied, appended or brought back by undo.

Blender copies a scene with its ids, and tells nobody. So whenever something has changed, and when
one of our buttons is drawn, the scenes are compared with those before: that costs next to nothing.
"""

from __future__ import annotations

from typing import Any

import bpy
from bpy.app.handlers import persistent

from ..properties.instances import renew_shared_ids
from ..properties.migrations import migrate
from ..scene.versions import session_uid

# Ways in which scenes come; the last is new in Blender 4.3
ARRIVALS = ("depsgraph_update_post", "blend_import_post")
RETURNS = ("undo_post", "redo_post")


class _Known:
    """Numbers of the scenes that are there, and the same in the order in which they came."""

    def __init__(self) -> None:
        self.now: tuple[int, ...] = ()
        self.order: dict[int, int] = {}


_known = _Known()


def look_again(thorough: bool = False) -> None:
    """Put scenes in order that were not there at the last look; ``thorough``: all of them."""
    now = tuple(map(session_uid, bpy.data.scenes))
    if (now == _known.now and not thorough) or bpy.app.is_job_running("RENDER"):
        return
    order = _known.order
    new = [scene for scene in bpy.data.scenes if session_uid(scene) not in order]
    for scene in new:
        order[session_uid(scene)] = len(order)
    migrate(new)
    # A copy gets the new ids, whatever it is called
    renew_shared_ids(sorted(bpy.data.scenes, key=lambda scene: order[session_uid(scene)]))
    _known.now = now


def notice() -> None:
    """Look soon, if scenes have come or gone. May be called while Blender draws."""
    if tuple(map(session_uid, bpy.data.scenes)) == _known.now:
        return
    if bpy.app.background:  # nothing is drawn there, and timers never run
        look_again()
    elif not bpy.app.timers.is_registered(_soon):
        bpy.app.timers.register(_soon, first_interval=0.0)


def _soon() -> None:
    look_again()


@persistent
def _on_load(*_arguments: Any) -> None:
    _known.now, _known.order = (), {}
    look_again()


@persistent
def _on_arrival(*_arguments: Any) -> None:
    look_again()


@persistent
def _on_return(*_arguments: Any) -> None:
    """Undo may bring back a copy as it was before its ids were renewed."""
    look_again(thorough=True)


def _handlers() -> list[tuple[Any, Any]]:
    known = bpy.app.handlers
    lists = [(getattr(known, name, None), _on_arrival) for name in ARRIVALS]
    lists += [(getattr(known, name, None), _on_return) for name in RETURNS]
    lists.append((known.load_post, _on_load))
    return [(handlers, handler) for handlers, handler in lists if handlers is not None]


def register() -> None:
    _known.now, _known.order = (), {}
    for handlers, handler in _handlers():
        handlers.append(handler)


def unregister() -> None:
    if bpy.app.timers.is_registered(_soon):
        bpy.app.timers.unregister(_soon)
    for handlers, handler in _handlers():
        if handler in handlers:
            handlers.remove(handler)
