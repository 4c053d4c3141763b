# SPDX-License-Identifier: GPL-3.0-or-later
"""Live preview: a moved slider shows at once on the present frame, and so does a moved playhead.

A change by hand marks its pipelines; a task asks the worker for the one frame and shows it, the
newest wish first. Nothing is keyed: Animate does that. A pipeline that was animated shows its take
until something of it is changed again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy

from ..core.errors import Cancelled, UserError
from ..properties.changes import LISTENERS
from ..properties.ids import find
from ..properties.progress import STATE
from ..providers.base import Ticket
from ..scene.frames import edited, give_noted_back, show_frame
from ..scene.references import Reference, reference
from . import pump
from .chosen import pipeline_problem, request_of
from .faults import report_fault, sentence
from .listening import follows_now
from .rendering import rendering
from .worker_host import worker

# What changes nothing of the face
UNSEEN = {
    "solo", "volume", "loop", "show_strip", "name", "chosen", "microphone", "take_name", "rate",
    "muted", "low_delay", "microphone_choice", "output",
}  # fmt: skip


NEEDS_BAKE = "This model shows the change once it is animated"


@dataclass(frozen=True)
class Wish:
    """A pipeline of a scene, whose present frame is to be shown."""

    scene: Reference
    pipeline_id: str


@dataclass
class _Asked:
    """What the worker is doing for a wish."""

    wish: Wish
    ticket: Ticket
    device: str
    threads: int


class Preview:
    """The task that shows wished frames one after the other. ``problem`` is why it could not."""

    def __init__(self) -> None:
        self.wishes: dict[Wish, None] = {}
        self.changed: set[Wish] = set()  # and not animated since: they follow the playhead
        self.problem = ""
        self.running = False
        self._covered = False  # vertex animation was switched off, so that what is shown is seen
        self._asked: _Asked | None = None

    @property
    def holds_worker(self) -> bool:
        return self._asked is not None

    def want(self, scene: bpy.types.Scene, pipeline_id: str) -> None:
        """Show the present frame of a pipeline as soon as possible."""
        wish = Wish(reference(scene), pipeline_id)
        self.changed.add(wish)
        self._want(wish)

    def follow(self, scene: bpy.types.Scene) -> None:
        """The playhead has moved: show those of its pipelines that were changed."""
        if self.changed:
            here = reference(scene)
            for wish in self.changed:
                if wish.scene == here:
                    self._want(wish)

    def animated(self, scene: bpy.types.Scene, pipeline_id: str) -> None:
        """The pipeline has a take again, which is what counts."""
        wish = Wish(reference(scene), pipeline_id)
        self.changed.discard(wish)
        self.wishes.pop(wish, None)
        if self._asked is not None and self._asked.wish == wish:
            self._asked = None  # of before, and it would cover the take
        self.uncover()

    def put_back(self, scene: bpy.types.Scene, pipeline_id: str) -> None:
        """The pipeline's settings are its take's again, and what was to be shown is shown."""
        if not self.running and Wish(reference(scene), pipeline_id) in self.changed:
            self.animated(scene, pipeline_id)

    def uncover(self) -> None:
        """Let vertex animation be seen again."""
        if self._covered and not follows_now():
            self._covered = False
            give_noted_back()

    def _want(self, wish: Wish) -> None:
        self.wishes[wish] = None
        if not self.running:
            self.running = True
            pump.add(self)

    def step(self) -> bool:
        """Ask for a frame, or show one that has come."""
        if _plays():
            self.uncover()
        if not _busy():
            try:
                self._step()
            except UserError as error:
                self.problem = sentence(error)
            except Cancelled:
                self._asked = None
            except Exception as error:  # the next change is shown again all the same
                self._asked, self.problem = None, report_fault(error)
        self.running = bool(self.wishes or self._asked)
        return self.running

    def cancel(self) -> None:
        self.uncover()
        self.wishes.clear()
        self.changed.clear()
        self._asked, self.running = None, False

    def _step(self) -> None:
        if self._asked is None:
            wish = next((each for each in self.wishes if not _is_edited(each)), None)
            if wish is not None:
                del self.wishes[wish]
                self._asked = _ask(wish)
        if self._asked is None:
            return
        asked = self._asked
        worker(asked.device, asked.threads).poll()
        if asked.ticket.finished:
            self._asked = None
            self._take(asked)

    def _take(self, asked: _Asked) -> None:
        ticket = asked.ticket
        if ticket.state != "done":
            self.problem = ticket.error if ticket.kind == "user" else "The preview has failed."
            return
        self.problem = NEEDS_BAKE if ticket.result["stale"] else ""
        if self.problem:
            return
        if _is_edited(asked.wish):
            self.wishes[asked.wish] = None  # asked again once the user has left that mode
        else:
            self._covered = True
            _show(asked.wish, ticket)


def _busy() -> bool:
    """Whether the scene must not be touched now: a take is made, played or rendered, or faces
    follow the microphone."""
    if STATE.running or follows_now() or rendering():
        return True
    return _plays()


def _plays() -> bool:
    return any(window.screen.is_animation_playing for window in bpy.context.window_manager.windows)


def _is_edited(wish: Wish) -> bool:
    """Whether the user edits or sculpts a face that the wish is about."""
    from .chosen import faces_of

    scene = wish.scene.find()
    pipeline = find(scene.facewright.pipelines, wish.pipeline_id) if scene else None
    if scene is None or pipeline is None:
        return False
    try:
        return any(edited(parts.character()) for parts in faces_of(scene, pipeline))
    except UserError:
        return False  # the greyed Animate says what is missing


def _ask(wish: Wish) -> _Asked | None:
    """Ask the worker for the present frame; None where there is none to be shown."""
    from ..scene.rates import scene_rate
    from .animation_job import first_frames, job_fields, resolved_voice

    scene = wish.scene.get()
    pipeline = find(scene.facewright.pipelines, wish.pipeline_id)
    if pipeline is None or pipeline_problem(scene, pipeline):
        return None
    request = request_of(scene, pipeline)
    resolved = resolved_voice(request.source, scene)
    _start, begin = first_frames(request, resolved, scene)
    frame = round(scene.frame_current_final - begin)
    if frame < 0:
        return None
    fields, arrays = job_fields(request, resolved.voice, scene_rate(scene))
    fields["frame"] = frame
    provider = worker(request.device, request.threads)
    return _Asked(wish, provider.submit("preview", fields, arrays), request.device, request.threads)


def _show(wish: Wish, ticket: Ticket) -> None:
    from .animation_job import face_track
    from .chosen import faces_of

    scene = wish.scene.get()
    pipeline = find(scene.facewright.pipelines, wish.pipeline_id)
    if pipeline is None or not len(ticket.arrays["weights"]):
        return
    track = face_track(ticket)
    for parts in faces_of(scene, pipeline):
        show_frame(parts.character(track.names), track)


PREVIEW = Preview()


def changed_by_hand(item: Any, name: str) -> None:
    """A listener of ``properties.changes``."""
    scene = item.id_data
    chosen: Any = getattr(scene, "facewright", None)
    if name in UNSEEN or chosen is None or not chosen.preview or bpy.app.background:
        return
    for pipeline in concerned(chosen, item):
        PREVIEW.want(scene, pipeline.id)


def concerned(chosen: Any, item: Any) -> list[Any]:
    """The pipelines that a changed property group is about."""
    path = item.path_from_id()
    if ".players[" in path:
        owners = [one for one in chosen.players if _within(path, one)]
        return [one for player in owners for one in chosen.pipelines_of(player)]
    if ".characters[" in path:
        owners = [one for one in chosen.characters if _within(path, one)]
        return [one for one in chosen.pipelines if one.id in {each.pipeline_id for each in owners}]
    return [one for one in chosen.pipelines if _within(path, one)]


def _within(path: str, item: Any) -> bool:
    return path.startswith(str(item.path_from_id()))


@bpy.app.handlers.persistent
def _moved(scene: bpy.types.Scene, *_: Any) -> None:
    """Only notes it: nothing is written from a handler, which also runs while rendering."""
    if not bpy.app.background and scene.facewright.preview:
        PREVIEW.follow(scene)


@bpy.app.handlers.persistent
def _undone(*_: Any) -> None:
    for scene in bpy.data.scenes:
        _moved(scene)


@bpy.app.handlers.persistent
def _saving(*_: Any) -> None:
    """A file holds the takes, not what a preview shows in their place."""
    PREVIEW.uncover()


@bpy.app.handlers.persistent
def _loaded(*_: Any) -> None:
    PREVIEW.cancel()


def _handlers() -> list[tuple[list[Any], Any]]:
    known: Any = bpy.app.handlers
    return [
        (known.frame_change_post, _moved),
        (known.undo_post, _undone),
        (known.redo_post, _undone),
        (known.load_pre, _loaded),
        (known.save_pre, _saving),
        (known.save_post, _undone),
    ]


def register() -> None:
    LISTENERS.append(changed_by_hand)
    for handlers, handler in _handlers():
        handlers.append(handler)


def unregister() -> None:
    PREVIEW.cancel()
    if changed_by_hand in LISTENERS:
        LISTENERS.remove(changed_by_hand)
    for handlers, handler in _handlers():
        if handler in handlers:
            handlers.remove(handler)
