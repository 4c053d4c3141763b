# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that nobody needs any more: point caches of takes that were replaced, all files of takes
that were removed.

Undo may bring such a take back, so its files stay as long as this file is open. They go when
another is opened or Blender ends: of a replaced take unless a .blend was saved while it played
them, of a removed one unless the .blend has it still, because it was not saved since.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import bpy
from bpy.app.handlers import persistent

from ..core.take_label import label_of
from ..scene.places import remove_take, take_files
from ..scene.vertex_animation import cache_file, files_played

_unsaved: set[Path] = set()  # that no .blend on the disk is known to need
_removed: set[Path] = set()  # that it may need until it is saved again


def written(paths: Iterable[Path]) -> None:
    """A take was made that plays these files."""
    _unsaved.update(_real(paths))


def removed(paths: Iterable[Path]) -> None:
    """A take was removed that these files belong to."""
    (_removed if bpy.data.filepath else _unsaved).update(_real(paths))


def _real(paths: Iterable[Path]) -> set[Path]:
    """One path for each file, however it is named."""
    return {Path(os.path.realpath(path)) for path in paths}


def _needed() -> set[Path]:
    """The files that objects play or that takes can be shown again with."""
    found = files_played()
    for label in [label for action in bpy.data.actions if (label := label_of(action))]:
        caches = (cache_file(label, str(name)) for name in label.caches.values())
        found += take_files(label.take_id) + [path for path in caches if path is not None]
    return _real(found)


@persistent
def _saved(*_: Any) -> None:
    if not (_unsaved or _removed):
        return
    needed = _needed()
    _unsaved.difference_update(needed)
    _unsaved.update(_removed - needed)
    _removed.intersection_update(needed)


@persistent
def _closing(*_: Any) -> None:
    for path in _unsaved - _needed() if _unsaved else ():
        remove_take(path)
    _unsaved.clear()
    _removed.clear()


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
