# SPDX-License-Identifier: GPL-3.0-or-later
"""Point caches that nobody needs any more: those of takes that were replaced.

Undo may bring a replaced take back, so its files stay as long as this file is open; they go when
another is opened or Blender ends, unless a .blend was saved while it played them.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import bpy
from bpy.app.handlers import persistent

from ..core.take_label import label_of
from ..scene.places import cache_path, remove_take
from ..scene.vertex_animation import caches_of, file_of

_unsaved: set[Path] = set()


def written(paths: Iterable[Path]) -> None:
    """A take was made that plays these files."""
    _unsaved.update(paths)


def _needed() -> set[Path]:
    """The files that objects play or that takes can be shown again with."""
    playing = {file_of(each) for obj in bpy.data.objects for each in caches_of(obj)}
    labels = [label for action in bpy.data.actions if (label := label_of(action))]
    kept = (
        cache_path(label.take_id, str(name)) for label in labels for name in label.caches.values()
    )
    return playing | {path for path in kept if path is not None}


@persistent
def _saved(*_: Any) -> None:
    if _unsaved:
        _unsaved.difference_update(_needed())


@persistent
def _closing(*_: Any) -> None:
    for path in _unsaved - _needed() if _unsaved else ():
        remove_take(path)
    _unsaved.clear()


def register() -> None:
    bpy.app.handlers.save_post.append(_saved)
    bpy.app.handlers.load_pre.append(_closing)


def unregister() -> None:
    _closing()
    for handlers, handler in (
        (bpy.app.handlers.save_post, _saved),
        (bpy.app.handlers.load_pre, _closing),
    ):
        if handler in handlers:
            handlers.remove(handler)
