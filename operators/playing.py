# SPDX-License-Identifier: GPL-3.0-or-later
"""Playing a player's range: while it plays the scene's preview range is the range's, afterwards
the user's own again."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import bpy
from bpy.app.handlers import persistent

from ..core.errors import UserError
from ..properties.changes import LISTENERS
from ..properties.ids import find
from ..scene.playback import give_range_back, play_range
from .hearing import ensure
from .voice_time import VoiceTime, voice_time

BEYOND_S = 0.5  # a range that is played once ends inside the preview range, not at its end
CHANGES = {"range_start", "range_end", "start_frame", "loop"}


@dataclass
class _Session:
    """What is played: a player of a scene, from frame ``first`` to ``last``."""

    scene: int
    player_id: str
    first: int
    last: int
    loop: bool


class _Now:
    def __init__(self) -> None:
        self.session: _Session | None = None


_now = _Now()


def is_playing() -> bool:
    """Whether any window plays the animation."""
    return any(
        window.screen.is_animation_playing
        for manager in bpy.data.window_managers
        for window in manager.windows
    )


def start(context: bpy.types.Context, player: Any) -> tuple[str, ...]:
    """Play a player's range from the playhead, or from its begin when the playhead is outside.

    Returns notices. Raises UserError when the voice is missing.
    """
    scene = context.scene
    notices = ensure(scene, player)
    time = voice_time(scene, player)
    first, last = _frames(scene, time)
    if not first <= scene.frame_current < last:
        scene.frame_current = first
    _now.session = _Session(int(scene.session_uid), player.id, first, last, player.loop)
    _set_range(scene, _now.session, time.rate)
    bpy.ops.screen.animation_play()
    return notices


def stop() -> None:
    """End playback in every window; the playhead stays where it is."""
    for manager in bpy.data.window_managers:
        for window in manager.windows:
            if window.screen.is_animation_playing:
                with bpy.context.temp_override(window=window, screen=window.screen):
                    bpy.ops.screen.animation_cancel(restore_frame=False)
    _ended()


def _frames(scene: bpy.types.Scene, time: VoiceTime) -> tuple[int, int]:
    """First and last frame to play; up to the scene's end while nobody knows the voice's."""
    first, last = time.first_frame, time.last_frame
    return first, max(first + 1, scene.frame_end) if last is None else last


def _set_range(scene: bpy.types.Scene, session: _Session, rate: float) -> None:
    beyond = 0 if session.loop else max(2, round(BEYOND_S * rate))
    # In a loop the last frame is not played: its sound is the first one's again.
    last = session.last - 1 if session.loop else session.last
    play_range(scene, session.first, max(session.first, last) + beyond)


def _scene(session: _Session) -> Any:
    return next((each for each in bpy.data.scenes if each.session_uid == session.scene), None)


def _ended(*_arguments: Any) -> None:
    """Nothing is played any more: every scene gets its user's preview range back."""
    _now.session = None
    for scene in bpy.data.scenes:
        if scene.library is None:
            give_range_back(scene)


@persistent
def _playback_ended(*_arguments: Any) -> None:
    _ended()


@persistent
def _restored(*_arguments: Any) -> None:
    """Undo, redo or a file may bring back a preview range of ours."""
    if _now.session is not None and is_playing():
        _refresh()
    else:
        _ended()


@persistent
def _frame_changed(scene: bpy.types.Scene, *_arguments: Any) -> None:
    """A range that is played once ends; a handler must not stop playback itself."""
    session = _now.session
    if session is None or session.loop or scene.session_uid != session.scene:
        return
    if scene.frame_current < session.last or bpy.app.is_job_running("RENDER"):
        return
    if not bpy.app.timers.is_registered(_stop_at_end):
        bpy.app.timers.register(_stop_at_end, first_interval=0.0)


def _stop_at_end() -> None:
    session = _now.session
    if session is None or bpy.app.is_job_running("RENDER"):
        return
    scene = _scene(session)
    stop()
    if scene is not None:
        scene.frame_current = session.last


def _refresh() -> None:
    """Play on with the range and loop that the player has now."""
    session = _now.session
    scene = _scene(session) if session else None
    player = find(scene.facewright.players, session.player_id) if scene and session else None
    if session is None or scene is None or player is None:
        return
    with suppress(UserError):
        time = voice_time(scene, player)
        session.first, session.last = _frames(scene, time)
        session.loop = player.loop
        _set_range(scene, session, time.rate)


def _changed(item: Any, name: str) -> None:
    session = _now.session
    if session and name in CHANGES and getattr(item, "id", "") == session.player_id:
        _refresh()


_HANDLERS = {
    "animation_playback_post": _playback_ended,
    "frame_change_post": _frame_changed,
    "undo_post": _restored,
    "redo_post": _restored,
    "load_post": _restored,
}


def register() -> None:
    _now.session = None
    LISTENERS.append(_changed)
    for name, handler in _HANDLERS.items():
        getattr(bpy.app.handlers, name).append(handler)


def unregister() -> None:
    for name, handler in _HANDLERS.items():
        with suppress(ValueError):
            getattr(bpy.app.handlers, name).remove(handler)
    with suppress(ValueError):
        LISTENERS.remove(_changed)
    with suppress(ValueError):
        bpy.app.timers.unregister(_stop_at_end)
    if _now.session is not None:
        _ended()
