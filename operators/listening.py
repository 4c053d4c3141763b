# SPDX-License-Identifier: GPL-3.0-or-later
"""The microphone of this Blender: what listens now, and what was heard and not saved yet.

A task of ``pump`` asks the worker many times a second and shows the newest frame. There is one
session at the worker for each pipeline that follows; the first of them records.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import bpy

from ..properties.ids import find
from ..scene.frames import give_noted_back
from ..scene.references import Reference
from . import pump
from .followers import Followers
from .live_orders import Order, settings_now
from .live_session import Session
from .rendering import rendering
from .voices import redraw

if TYPE_CHECKING:
    from ..worker.messages import Arrays, Fields

METER_S = 1 / 20  # between two looks of the panel
CALM = 0.1  # share of a new value in a shown delay
CHANGED = "Settings were changed meanwhile: a kept take has the last ones throughout"


@dataclass(frozen=True)
class Plan:
    """What to listen to, for whom. Without ``orders`` it is only recorded."""

    scene: Reference
    player_id: str
    microphone: str
    muted: bool
    orders: tuple[Order, ...] = ()
    device: str = ""
    threads: int = 0


@dataclass(frozen=True)
class Heard:
    """A recording at the worker that the user has not thrown away. ``saved`` is its file's name;
    ``orders`` is what followed it, ``start_frame`` where that began."""

    path: str
    seconds: float
    player_id: str
    start_frame: int
    orders: tuple[Order, ...] = ()
    changed: bool = False
    saved: str = ""


class Listening:
    """A task of the pump: a microphone that is on, until ``end``."""

    holds_worker = True

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.orders = list(plan.orders)
        self.delay_ms = 0.0
        self.start_frame = 0
        self.changed = self.discard = False
        self.ending = False
        self._muted = plan.muted
        self._sessions = [_opened(plan, order) for order in plan.orders] or [_opened(plan, None)]
        self._followers = [Followers(order.pipeline_id) for order in plan.orders]
        self._began = False
        self._looked = 0.0
        self._there = True  # whether the scene is

    @property
    def first(self) -> Session:
        """The session that records."""
        return self._sessions[0]

    @property
    def notices(self) -> list[str]:
        """What the user should know, while it goes on and afterwards."""
        found = [text for session in self._sessions for text in session.notices]
        for session, order in zip(self._sessions[1:], self.orders[1:], strict=False):
            found += [f"{order.name}: {session.error}"] if session.error else []
        found += [text for each in self._followers for text in each.problems.values()]
        return list(dict.fromkeys(found))

    def end(self, discard: bool = False) -> None:
        """Switch it off; what was heard can be saved unless it is to be thrown away."""
        self.ending = True
        self.discard = self.discard or discard
        for session in self._sessions:
            session.end()

    def let_go(self) -> None:
        """The scene is about to vanish: end without touching it."""
        self._there = False
        for each in self._followers:
            each.forget()
        self.end(discard=True)

    def look_as_before(self) -> None:
        """For a moment, such as the one in which the file is saved."""
        for each in self._followers:
            each.look_as_before()

    def step(self) -> bool:
        for session in self._sessions:
            session.step()
        scene = self.plan.scene.find() if self._there else None
        if scene is None and self._there:
            self.let_go()
        if self.first.over and not self.ending:  # the others hear nothing else
            self.end()
        if scene is not None and not rendering():
            self._follow(scene)
        now = time.monotonic()
        if now - self._looked > METER_S:
            self._looked = now
            self._look(scene)
        return not self._is_over(scene)

    def cancel(self) -> None:
        """The extension ends, and its workers with it."""
        if self._there:
            self._leave(self.plan.scene.find())
        RECORDER.running = None

    def _follow(self, scene: bpy.types.Scene) -> None:
        """Show what has come on the faces that are there."""
        if self.first.is_open and not self._began:
            self._began = True
            self.start_frame = round(scene.frame_current_final)
        if self.ending:
            return
        for session, faces in zip(self._sessions, self._followers, strict=False):
            frame, session.newest = session.newest, None
            if frame is None:
                continue
            faces.show(scene, frame)
            if session is self.first:
                late = session.lateness_ms()
                self.delay_ms += (late - self.delay_ms) * (CALM if self.delay_ms else 1.0)

    def _look(self, scene: bpy.types.Scene | None) -> None:
        """Now and then: what the user has changed, and the panels."""
        if scene is None or self.ending:
            return
        chosen: Any = scene.facewright
        player = find(chosen.players, self.plan.player_id)
        pipelines = [find(chosen.pipelines, each.pipeline_id) for each in self._followers]
        if player is None or (pipelines and pipelines[0] is None):
            self.end()
            return
        if player.recorder.muted != self._muted:
            self._muted = player.recorder.muted
            for session in self._sessions:
                session.change(muted=self._muted)
        for at, pipeline in enumerate(pipelines):
            if pipeline is None:
                self._sessions[at].end()
            else:
                self._renew(at, settings_now(pipeline))
        _redraw_sidebars()

    def _renew(self, at: int, settings: dict[str, Any]) -> None:
        if settings != self.orders[at].settings and self._sessions[at].is_open:
            self.orders[at] = self.orders[at].with_settings(settings)
            self.changed = True
            self._sessions[at].change(settings=self.orders[at].sent_settings)

    def _is_over(self, scene: bpy.types.Scene | None) -> bool:
        """Whether all is done, the faces look as before, and what was heard is at hand."""
        if not self.ending or not all(session.over for session in self._sessions):
            return False
        shown = any(each.shown for each in self._followers)
        if shown and rendering():
            return False
        self._leave(scene)
        RECORDER.take(self)
        return True

    def _leave(self, scene: bpy.types.Scene | None) -> None:
        moved = [each.leave() for each in self._followers]
        if scene is not None and any(moved):  # their takes show again
            scene.frame_set(scene.frame_current, subframe=scene.frame_subframe)


def _opened(plan: Plan, order: Order | None) -> Session:
    args: Fields = {"microphone": plan.microphone, "muted": plan.muted}
    arrays: Arrays = {}
    if order is not None:
        fields, arrays = order.fields()
        args.update(fields)
    if order is None or order is plan.orders[0]:
        args["record"] = True
    return Session(args, arrays, plan.device, plan.threads)


def _redraw_sidebars() -> None:
    """Alone: what is shown of the faces draws itself."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                for region in area.regions:
                    if region.type == "UI":
                        region.tag_redraw()


class Recorder:
    """Written here and by operators, read by panels."""

    def __init__(self) -> None:
        self.running: Listening | None = None
        self.heard: Heard | None = None
        self.problem = ""
        self.told = ""
        self.notices: tuple[str, ...] = ()

    def start(self, plan: Plan, notices: tuple[str, ...] = ()) -> None:
        """Listen; what was heard before and not saved is let go. Raises UserError."""
        listening = Listening(plan)
        self.clear()
        self.notices, self.running = notices, listening
        pump.add(listening, quick=True)

    def take(self, listening: Listening) -> None:
        """It has ended: what is left of it."""
        plan, state = listening.plan, listening.first.state
        self.running = None
        self.problem = listening.first.error
        self.notices = (*self.notices, *listening.notices)
        path, seconds = str(state.get("recording", "")), float(state.get("recorded_s", 0.0))
        if path and seconds > 0 and not listening.discard:
            self.heard = Heard(
                path,
                seconds,
                plan.player_id,
                listening.start_frame,
                tuple(listening.orders),
                listening.changed,
            )
            if listening.changed:
                self.notices = (*self.notices, CHANGED)
        redraw()

    def saved(self, name: str) -> None:
        """What was heard is a file now."""
        if self.heard is not None:
            self.heard = replace(self.heard, saved=name)
        self.told = f"Saved as {name}"

    def clear(self) -> None:
        """Nothing was heard."""
        self.heard, self.problem, self.told, self.notices = None, "", "", ()


RECORDER = Recorder()


def follows_now() -> bool:
    """Whether faces move with the microphone."""
    return RECORDER.running is not None and bool(RECORDER.running.orders)


@bpy.app.handlers.persistent
def _loaded(*_: Any) -> None:
    """Not before: a file that cannot be read leaves everything as it is."""
    if RECORDER.running is not None:
        RECORDER.running.let_go()
    RECORDER.clear()
    give_noted_back()


@bpy.app.handlers.persistent
def _returned(*_: Any) -> None:
    """Undo may bring back a face as the microphone has moved it."""
    if not follows_now() and not rendering():
        give_noted_back()


@bpy.app.handlers.persistent
def _saving(*_: Any) -> None:
    """A file holds what the faces show without the microphone."""
    if RECORDER.running is not None:
        RECORDER.running.look_as_before()


def _handlers() -> list[tuple[list[Any], Any]]:
    known: Any = bpy.app.handlers
    return [
        (known.load_post, _loaded),
        (known.save_pre, _saving),
        (known.undo_post, _returned),
        (known.redo_post, _returned),
    ]


def register() -> None:
    RECORDER.running = None
    RECORDER.clear()
    for handlers, handler in _handlers():
        handlers.append(handler)


def unregister() -> None:
    if RECORDER.running is not None:
        RECORDER.running.cancel()
    RECORDER.clear()
    for handlers, handler in _handlers():
        if handler in handlers:
            handlers.remove(handler)
