# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the takes on a pipeline's characters are what Animate would make now.

Looking costs a millisecond, so it is not done while panels draw: a timer looks at one pipeline at
a time after something has changed, and now and then for changes outside of Blender. In background,
where no timer runs, whoever asks waits for it.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import bpy
from bpy.app.handlers import persistent

from ..core.errors import Cancelled, UserError
from ..properties import changes
from ..properties.take import NOT_BAKED, OUTDATED, UP_TO_DATE
from ..scene.takes import character_of, shown_label
from ..scene.vertex_animation import missing_files
from .chosen import request_of
from .preview import PREVIEW
from .rendering import rendering
from .running import redraw
from .vertex_animation import is_complete

if TYPE_CHECKING:
    from ..core.take_label import TakeLabel
    from ..scene.characters import Character

TICK_S = 0.25
AGE_S = 5.0  # after which files are looked at again


@dataclass
class _Seen:
    status: str
    generation: int
    at: float
    lost: bool = False


_seen: dict[tuple[int, str], _Seen] = {}
_generation = [0]


def status_of(scene: bpy.types.Scene, pipeline: Any) -> str:
    """``UP_TO_DATE``, ``OUTDATED`` or ``NOT_BAKED``, as last seen; cheap enough to draw."""
    return _looked(scene, pipeline).status


def is_lost(scene: bpy.types.Scene, pipeline: Any) -> bool:
    """Whether the vertex animation of a take that moves a character is gone, as last seen."""
    return _looked(scene, pipeline).lost


def _looked(scene: bpy.types.Scene, pipeline: Any) -> _Seen:
    key = (int(scene.session_uid), str(pipeline.id))
    seen = _seen.get(key)
    if seen is None or (bpy.app.background and seen.generation != _generation[0]):
        seen = _look(scene, pipeline, key)
    return seen


def changed() -> None:
    """What was seen may no longer be so."""
    _generation[0] += 1


def _look(scene: bpy.types.Scene, pipeline: Any, key: tuple[int, str]) -> _Seen:
    generation = _generation[0]
    found = [character_of(one.skin) for one in scene.facewright.characters_of(pipeline)]
    labels = [(each, shown_label(each)) for each in found if each is not None]
    status = _status(scene, pipeline, labels, len(found))
    shown = (label for _face, on_face in labels for label in on_face)
    lost = status == OUTDATED and any(missing_files(label) for label in shown)
    _seen[key] = _Seen(status, generation, time.monotonic(), lost)
    return _seen[key]


def _status(
    scene: bpy.types.Scene,
    pipeline: Any,
    labels: list[tuple[Character, list[TakeLabel]]],
    faces: int,
) -> str:
    """Of the labels on the pipeline's faces, of which there should be so many."""
    if not any(on_face for _face, on_face in labels):
        return NOT_BAKED
    from .take_labels import fingerprint_of  # with all that a job needs: not before one has run

    try:
        now = fingerprint_of(request_of(scene, pipeline))
    except (UserError, Cancelled):
        return OUTDATED  # it could not be made again
    fresh = len(labels) == faces and all(
        any(label.fingerprint == now and is_complete(label, scene, face) for label in on_face)
        for face, on_face in labels
    )
    return UP_TO_DATE if fresh else OUTDATED


def _tick() -> float:
    with suppress(ReferenceError):
        if not rendering():
            _look_at_one()
    return TICK_S


def _look_at_one() -> None:
    """Look again at the pipeline that most needs it; redraw when its status has changed."""
    scene = bpy.context.scene
    if scene is None:
        return
    chosen: Any = scene.facewright
    uid, now = int(scene.session_uid), time.monotonic()
    for pipeline in chosen.pipelines:
        key = (uid, str(pipeline.id))
        seen = _seen.get(key)
        if seen and seen.generation == _generation[0] and now - seen.at < AGE_S:
            continue
        now_seen = _look(scene, pipeline, key)
        if now_seen.status == UP_TO_DATE:
            PREVIEW.put_back(scene, pipeline.id)
        if seen is None or (now_seen.status, now_seen.lost) != (seen.status, seen.lost):
            redraw(bpy.context)
        return


def _listen(_item: Any, _name: str) -> None:
    changed()


@persistent
def _on_change(_scene: Any, depsgraph: Any = None) -> None:
    """After an edit: curves of emotions, strips, frame rates and takes may have changed."""
    if depsgraph is None or any(
        depsgraph.id_type_updated(kind) for kind in ("ACTION", "SCENE", "KEY")
    ):
        changed()


@persistent
def _on_load(*_: Any) -> None:
    _seen.clear()
    changed()


_HANDLERS = (
    ("depsgraph_update_post", _on_change),
    ("undo_post", _on_load),
    ("redo_post", _on_load),
    ("load_post", _on_load),
)


def register() -> None:
    _on_load()
    changes.LISTENERS.append(_listen)
    for name, handler in _HANDLERS:
        getattr(bpy.app.handlers, name).append(handler)
    if not bpy.app.background:
        bpy.app.timers.register(_tick, first_interval=TICK_S, persistent=True)


def unregister() -> None:
    with suppress(ValueError):
        changes.LISTENERS.remove(_listen)
    for name, handler in _HANDLERS:
        with suppress(ValueError):
            getattr(bpy.app.handlers, name).remove(handler)
    with suppress(ValueError):
        bpy.app.timers.unregister(_tick)
    _seen.clear()
