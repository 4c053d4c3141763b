# SPDX-License-Identifier: GPL-3.0-or-later
"""The live solve: the shape keys do at once what the input mesh does on the present frame.

A handler only notes that something has changed; a task solves and shows it. Nothing is written
while a render or another job runs. Loading a file switches the live solve off, and a saved file
holds what the keys show without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ..core.errors import Cancelled, UserError
from ..core.solve.blendshape import SolveState
from ..core.solve.conversion import ConversionSettings
from ..core.solve.live import LiveSolve, live_frame, live_solve
from ..properties.changes import LISTENERS
from ..properties.ids import find
from ..properties.progress import STATE
from ..scene.conversion import look_of_keys, residual_at, show_weights
from ..scene.conversion_meshes import unsolved_of
from ..scene.conversion_parts import track_of
from ..scene.conversion_reader import Reader
from ..scene.conversion_stage import sweep
from ..scene.evaluated import points_of
from ..scene.frames import Look, give_back, look_of, show_frame
from ..scene.joints import world
from ..scene.rates import scene_rate
from ..scene.references import Reference, reference
from . import pump
from .conversion_parts import parts_of_target
from .conversion_status import settings_of, solve_problem
from .faults import report_fault, sentence
from .rendering import rendering
from .running import redraw

FOLLOWING = 8  # frames: playing may leave out so many and still goes on
EDITED = "A mesh was edited: set the solve up again"
CHOSEN = "The meshes or the neutral have changed: set the solve up again"
_MESHES = {"source", "target", "neutral", "neutral_frame"}

Key = tuple[Reference, str]  # a scene and a conversion's id


@dataclass
class _Solve:
    """One live solve. ``seen`` is the number of vertices that the input is evaluated to."""

    reader: Reader
    seen: int
    settings: ConversionSettings | None = None
    prepared: LiveSolve | None = None
    look: Look | None = None
    frame: float = 0.0
    before: SolveState | None = None  # of the frame before the one that is shown
    after: SolveState | None = None
    residual: float | None = None
    problem: str = ""
    stale: str = ""  # why it has to be set up again


class LiveSolves:
    """The task that keeps all live solves up with their scenes."""

    holds_worker = False

    def __init__(self) -> None:
        self.solves: dict[Key, _Solve] = {}
        self._wishes: set[Key] = set()
        self._running = False

    def begin(self, key: Key, reader: Reader, seen: int) -> None:
        """Show a conversion live from now on."""
        old = self.solves.pop(key, None)
        self.solves[key] = _Solve(reader, seen, look=old.look if old else None)
        self.want(key)

    def end(self, scene: bpy.types.Scene, conversion: Any) -> None:
        """Switch a live solve off; the keys look as before at once."""
        conversion.live = False
        key = (reference(scene), conversion.id)
        if key in self.solves:
            self._leave(key)

    def want(self, key: Key) -> None:
        """Solve a conversion again as soon as possible."""
        self._wishes.add(key)
        if not self._running:
            self._running = True
            pump.add(self)

    def want_all(self, scene: bpy.types.Scene | None = None) -> None:
        """The same for all live solves, of one scene."""
        here = None if scene is None else reference(scene)
        for key in self.solves:
            if here is None or key[0] == here:
                self.want(key)

    def step(self) -> bool:
        """Solve what is wished for; those that are switched off look as before."""
        if not _blocked():
            wishes, self._wishes = self._wishes, set()
            for key in wishes & self.solves.keys():
                try:
                    self._step(key, self.solves[key])
                except Exception as error:  # the next change is solved again all the same
                    self.solves[key].problem = _told(error)
                    self.solves[key].residual = None
            redraw(bpy.context)
        self._running = bool(self._wishes)
        return self._running

    def cancel(self) -> None:
        """The extension ends: everything looks as before."""
        for key in tuple(self.solves):
            self._leave(key)
        self._wishes.clear()
        self._running = False

    def forget(self) -> None:
        """Another file is there."""
        self.solves.clear()
        self._wishes.clear()

    def look_as_before(self) -> None:
        """For a while, such as the moment in which the file is saved."""
        for solve in self.solves.values():
            if solve.look is not None:
                give_back(solve.look)

    def returned(self) -> None:
        """Undo has brought the keys back as they were without us, or as we have noted."""
        for solve in self.solves.values():
            solve.look = solve.before = solve.after = None
        self.want_all()

    def _leave(self, key: Key) -> None:
        solve = self.solves.pop(key)
        moved = solve.look is not None and give_back(solve.look)
        scene = key[0].find()
        if moved and scene is not None:  # its keyframes show again
            scene.frame_set(scene.frame_current, subframe=scene.frame_subframe)

    def _step(self, key: Key, solve: _Solve) -> None:
        conversion = _conversion(key)
        if conversion is None or not conversion.live:
            self._leave(key)
            return
        problem = solve_problem(conversion)
        if problem or solve.stale:
            solve.problem, solve.residual = solve.stale or problem, None
            if not conversion.target or not conversion.source:
                conversion.live = False
                self._leave(key)
            return
        if {conversion.target.mode, conversion.source.mode} & {"EDIT", "SCULPT"}:
            solve.stale = solve.problem = EDITED
            return
        _solve_now(key, solve, conversion)


LIVE = LiveSolves()


def _conversion(key: Key) -> Any:
    scene = key[0].find()
    return None if scene is None else find(scene.facewright.conversions, key[1])


def _blocked() -> bool:
    """Whether the scene must not be touched now."""
    return bool(STATE.running or rendering())


def _told(error: Exception) -> str:
    if isinstance(error, UserError):
        return sentence(error)
    return str(error) if isinstance(error, Cancelled) else report_fault(error)


def _solve_now(key: Key, solve: _Solve, conversion: Any) -> None:
    scene, target = key[0].get(), conversion.target
    settings = settings_of(conversion, unsolved_of(target).names)
    if settings != solve.settings or solve.prepared is None:
        solve.prepared, solve.settings = live_solve(solve.reader.basis, settings), settings
        solve.before = solve.after = None
    points = seen_points(scene, conversion.source)
    if len(points) != solve.seen:
        raise UserError(
            f"The input mesh has {len(points)} vertices now.", "Set the solve up again."
        )
    moves = solve.reader.moves(points[: len(solve.reader.base)])
    sides, energies = solve.reader.read(moves[None])
    now = float(scene.frame_current_final)
    if now != solve.frame:
        goes_on = 0 < now - solve.frame <= FOLLOWING
        solve.before, solve.frame = solve.after if goes_on else None, now
    found = live_frame(solve.prepared, sides[0], float(energies[0]), solve.before)
    solve.after = found.state
    names = solve.reader.basis.names
    parts = parts_of_target(scene, target, conversion.source, names)
    frame = track_of(names, found.weights[None], scene_rate(scene))
    if solve.look is None:
        own = look_of_keys(target, names)
        solve.look = own if parts is None else Look(own.values + look_of(parts, frame).values)
    solve.look.note()
    show_weights(target, names, found.weights)
    if parts is not None:
        show_frame(parts, frame)
    scale = abs(np.linalg.det(world(target)[:3, :3])) ** (1 / 3)
    solve.residual, solve.problem = found.residual * scale, ""


def seen_points(scene: Any, source: Any) -> Any:
    """Vertices of the input as the scene shows it now. Raises UserError for a hidden one."""
    shown = bpy.context.scene == scene and bpy.context.view_layer is not None
    layer = bpy.context.view_layer if shown else scene.view_layers[0]
    if not source.visible_get(view_layer=layer):
        raise UserError(f"'{source.name}' is hidden, so it does not move.", "Show it, or bake.")
    layer.update()
    return points_of(source, layer.depsgraph)


def shown_residual(scene: bpy.types.Scene, conversion: Any) -> tuple[float | None, str]:
    """How far the keys stay from the input on the present frame, in the scene's unit, None where
    nobody knows; and why the live solve does not follow."""
    solve = LIVE.solves.get((reference(scene), conversion.id))
    if solve is not None and conversion.live:
        return solve.residual, solve.problem
    return residual_at(conversion.target, conversion.id, scene.frame_current_final), ""


# ---- what is noticed


def _changed(item: Any, name: str) -> None:
    """A listener of ``properties.changes``."""
    if not LIVE.solves or ".conversions[" not in item.path_from_id():
        return
    for key, solve in LIVE.solves.items():
        if name in _MESHES and key[1] == item.id:
            solve.stale = CHOSEN
    LIVE.want_all(item.id_data)


@bpy.app.handlers.persistent
def _moved(scene: bpy.types.Scene, *_: Any) -> None:
    """Only notes it: nothing is written from a handler, which also runs while rendering."""
    if LIVE.solves:
        LIVE.want_all(scene)


@bpy.app.handlers.persistent
def _updated(scene: bpy.types.Scene, depsgraph: Any = None) -> None:
    if not LIVE.solves or depsgraph is None:
        return
    moved = {
        each.id.original for each in depsgraph.updates
        if each.is_updated_geometry and isinstance(each.id, bpy.types.Object)
    }  # fmt: skip
    for key in LIVE.solves:
        conversion = _conversion(key)
        if conversion is None or conversion.source in moved:
            LIVE.want(key)


@bpy.app.handlers.persistent
def _returned(*_: Any) -> None:
    LIVE.returned()
    for scene in bpy.data.scenes:
        _switch_off_others(scene)


@bpy.app.handlers.persistent
def _loaded(*_: Any) -> None:
    LIVE.forget()
    sweep()
    for scene in bpy.data.scenes:
        _switch_off_others(scene)


def _switch_off_others(scene: Any) -> None:
    """What a file or a step of undo says to be live is not, unless we know of it."""
    for conversion in scene.facewright.conversions if scene.library is None else ():
        if conversion.live and (reference(scene), conversion.id) not in LIVE.solves:
            conversion.live = False


@bpy.app.handlers.persistent
def _saving(*_: Any) -> None:
    LIVE.look_as_before()


@bpy.app.handlers.persistent
def _saved(*_: Any) -> None:
    LIVE.want_all()


def _handlers() -> list[tuple[list[Any], Any]]:
    known: Any = bpy.app.handlers
    return [
        (known.frame_change_post, _moved),
        (known.depsgraph_update_post, _updated),
        (known.undo_post, _returned),
        (known.redo_post, _returned),
        (known.load_post, _loaded),
        (known.save_pre, _saving),
        (known.save_post, _saved),
    ]


def register() -> None:
    LISTENERS.append(_changed)
    for handlers, handler in _handlers():
        handlers.append(handler)


def unregister() -> None:
    LIVE.cancel()
    if _changed in LISTENERS:
        LISTENERS.remove(_changed)
    for handlers, handler in _handlers():
        if handler in handlers:
            handlers.remove(handler)
