# SPDX-License-Identifier: GPL-3.0-or-later
"""A take as keyframes: one action with a slot per data-block (Blender 4.2: one action each).

The new action is built aside, in steps short enough for a window, and put in place at the very
end by one step that is undone when anything fails. So a face has its old animation or the new one.
``bake`` says what becomes of the take before: REPLACE takes its place, NEW keeps it in the file,
NLA makes the new one a strip.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import bpy
import numpy as np

from ..core.face.track import FaceTrack
from ..core.take_label import NLA, REPLACE, TakeLabel
from . import versions
from .channels import Channels, channels_of
from .characters import Character
from .curves import write_curve
from .parts import Parts
from .placing import Part, check_assignable, lasting, left_behind, put_in_place
from .rates import scene_rate, take_frames
from .references import Reference, reference
from .vertex_animation import (
    FaceCaches,
    RestingKeys,
    place,
    players,
    put_to_rest,
    resting_keys,
)

KEYS_PER_STEP = 30_000
NO_TARGET = "The head does not turn: choose a head target, an object or the head bone of a rig."

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Written:
    """What was written: actions, the frames of the first and last key, how many curves."""

    actions: tuple[str, ...]
    first_frame: float
    last_frame: float
    curve_count: int
    notices: tuple[str, ...]


@dataclass(frozen=True)
class _Plan:
    """What one character gets: the name of its action, its channels, what its former take turned
    and this one does not, what its action says of itself, and its point caches. ``players`` are
    the objects that play those of the take before, ``resting`` shape keys that no longer move."""

    name: str
    channels: list[Channels]
    left: list[tuple[Reference, str]]
    label: TakeLabel
    vertices: FaceCaches
    players: list[Reference]
    resting: list[RestingKeys]


def write_take(
    character: Character | Sequence[Character | Parts],
    face: FaceTrack,
    scene: bpy.types.Scene,
    start_frame: float,
    label: TakeLabel,
    bake: str = REPLACE,
) -> Written:
    """Write a take at once; see ``write_steps``."""
    steps = write_steps(character, face, scene, start_frame, label, bake)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def write_steps(
    character: Character | Sequence[Character | Parts],
    face: FaceTrack,
    scene: bpy.types.Scene,
    start_frame: float,
    label: TakeLabel,
    bake: str = REPLACE,
    vertices: Sequence[FaceCaches] = (),
) -> Generator[float, None, Written]:
    """Write a take, yielding the share that is done. Closing the generator leaves nothing behind.

    Several characters get the same motion, each in an action of its own; all are put in place in
    one step. Faces that are given as their parts are looked for one in each step. ``vertices`` has
    the point caches of each face where it has any. Raises UserError, and SceneChanged when a face
    vanishes on the way.
    """
    frames = take_frames(face, scene_rate(scene), start_frame)
    scale = float(face.fps / scene_rate(scene))
    faces = [character] if isinstance(character, Character) else list(character)
    first = float(frames[0]) if len(frames) else start_frame
    last = float(frames[-1]) if len(frames) else start_frame
    fps = (face.fps.numerator, face.fps.denominator)
    label = replace(label, first_frame=first, last_frame=last, fps=fps)
    plans: list[_Plan] = []
    unturned = False
    del character, scene
    for at, given in enumerate(faces):
        found = given.character(face.names) if isinstance(given, Parts) else given
        unturned = unturned or (face.head is not None and found.head is None)
        own = vertices[at] if vertices else FaceCaches()
        plans.append(_plan(found, face, label.of_face(at, found.face.name), bake, own))
        del found  # nothing of Blender may be held across a yield
        if all(isinstance(each, Parts) for each in faces):
            yield 0.0
    del faces, given
    left = [each for plan in plans for each in plan.left]
    owners = {channels.owner for plan in plans for channels in plan.channels}
    for owner in owners | {owner for owner, _bone in left}:
        check_assignable(owner.get())
    parts: list[Part] = []
    placed = False
    try:
        yield from _build(parts, plans, frames)
        notices = [NO_TARGET] if unturned else []
        notices += _put_in_place(parts, left, plans, scale, bake)
        placed = True
    finally:
        if not placed:
            _remove({part.action for part in parts})
    actions = {part.action.get(): part.name for part in parts}
    for action, name in actions.items():
        action.name = name
    return Written(
        actions=tuple(action.name for action in actions),
        first_frame=first,
        last_frame=last,
        curve_count=sum(len(part.channels.curves) for part in parts),
        notices=tuple(notices),
    )


def _put_in_place(
    parts: list[Part],
    left: list[tuple[Reference, str]],
    plans: list[_Plan],
    scale: float,
    bake: str,
) -> list[str]:
    """Put actions and modifiers in place in one step; on any error all is as before."""
    label = plans[0].label
    change = place(
        [plan.vertices for plan in plans],
        [each for plan in plans for each in plan.players],
        label.first_frame,
        scale,
        label.output,
    )
    try:
        notices = put_in_place(parts, left, bake)
    except BaseException:
        change.take_back()
        raise
    for plan in plans:
        put_to_rest(plan.resting)
    return notices


def _plan(
    character: Character, face: FaceTrack, label: TakeLabel, bake: str, vertices: FaceCaches
) -> _Plan:
    resting = vertices.resting
    channels = channels_of(character, face, resting)
    left = left_behind(channels, character)
    name = f"{character.name} {label.voice}".strip()[:50]
    more = [] if bake == NLA else lasting(left, channels)
    playing = [reference(obj) for obj in players(character)]
    keys = resting_keys(character, resting)
    return _Plan(name, channels + more, left, label, vertices, playing, keys)


def _build(parts: list[Part], plans: list[_Plan], frames: Array) -> Generator[float, None, None]:
    total = sum(len(channels.curves) for plan in plans for channels in plan.channels)
    per_step = max(1, KEYS_PER_STEP // max(1, len(frames)))
    done = 0
    for plan in plans:
        own: dict[Reference, Part] = {}  # several bones of one armature share a slot
        for channels in plan.channels:
            part = _new_part(own, channels, plan)
            own[channels.owner] = part
            parts.append(part)
            for (path, index), values in channels.curves.items():
                curves = versions.slot_curves(part.action.get(), part.slot)
                write_curve(curves, path, index, frames, values)
                done += 1
                if done % per_step == 0:
                    yield done / total


def _new_part(own: dict[Reference, Part], channels: Channels, plan: _Plan) -> Part:
    """A slot for a data-block in the action that it shares, or in one of its own."""
    known = own.get(channels.owner)
    if known is not None:
        return replace(known, channels=channels, lead=False)
    name, owner = plan.name, channels.owner.name
    if not versions.HAS_ACTION_SLOTS:
        name = f"{name} {owner}"
    if own and versions.HAS_ACTION_SLOTS:
        action = next(iter(own.values())).action.get()
    else:
        action = versions.new_action(name, channels.id_type)
    slot = versions.add_slot(action, channels.id_type, owner)
    return Part(channels, reference(action), slot, name, plan.label, lead=not own)


def _remove(actions: set[Reference]) -> None:
    for action in actions:
        found = action.find()
        if found is not None:
            bpy.data.actions.remove(found)
