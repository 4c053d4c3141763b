# SPDX-License-Identifier: GPL-3.0-or-later
"""A take as keyframes: one action with a slot per data-block (Blender 4.2: one action each).

The new action is built aside, in steps short enough for a window, and put in place at the very
end by one step that is undone when anything fails. So a face has its old animation or the new one.
An action of ours that it replaces is deleted; curves that an artist added to it are kept, and what
it turned and the new one does not goes back to rest. An artist's own action stays in the file;
where it moves a body whose head a take turns, its other curves go on in the new action.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ..core.errors import UserError
from ..core.face.track import FaceTrack
from . import versions
from .channels import Channels, CurveId, channels_of, rotation
from .characters import Character
from .curves import copy_curve, write_curve
from .joints import PART, REST, remember_rest, rest_matrix, rest_place, turning
from .rates import scene_rate, take_frames
from .references import Reference, SceneChanged, reference

TAKE = "facewright_take"
SETTINGS = "facewright_settings"
VOICE = "facewright_voice"
MODEL = "facewright_model"
CURVES = "facewright_curves"
KEYS_PER_STEP = 60_000
NO_TARGET = "The head does not turn: choose a head target, an object or the head bone of a rig."

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class TakeLabel:
    """What an action says about its origin; hashes as hexadecimal text."""

    take_id: str
    settings_hash: str = ""
    voice: str = ""
    model: str = ""


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
    """What one character gets: the name of its action, its channels, and what its former take
    turned and this one does not."""

    name: str
    channels: list[Channels]
    left: list[tuple[Reference, str]]


@dataclass
class _Part:
    """A new action (or a slot of it) on its way to a data-block."""

    channels: Channels
    action: Reference
    slot: int
    name: str


def write_take(
    character: Character | Sequence[Character],
    face: FaceTrack,
    scene: bpy.types.Scene,
    start_frame: float,
    label: TakeLabel,
) -> Written:
    """Write a take at once; see ``write_steps``."""
    steps = write_steps(character, face, scene, start_frame, label)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def write_steps(
    character: Character | Sequence[Character],
    face: FaceTrack,
    scene: bpy.types.Scene,
    start_frame: float,
    label: TakeLabel,
) -> Generator[float, None, Written]:
    """Write a take, yielding the share that is done. Closing the generator leaves nothing behind.

    Several characters get the same motion, each in an action of its own; all are put in place in
    one step. Raises UserError, and SceneChanged when a face vanishes on the way.
    """
    frames = take_frames(face, scene_rate(scene), start_frame)
    characters = [character] if isinstance(character, Character) else list(character)
    plans = [_plan(each, face, label) for each in characters]
    unturned = face.head is not None and any(each.head is None for each in characters)
    del character, characters, scene  # nothing of Blender may be held across a yield
    left = [each for plan in plans for each in plan.left]
    owners = {channels.owner for plan in plans for channels in plan.channels}
    for owner in owners | {owner for owner, _bone in left}:
        _check_assignable(owner.get())
    parts: list[_Part] = []
    placed = False
    try:
        yield from _build(parts, plans, frames)
        notices = [NO_TARGET] if unturned else []
        notices += _put_in_place(parts, left, label)
        placed = True
    finally:
        if not placed:
            _remove({part.action for part in parts})
    actions = {part.action.get(): part.name for part in parts}
    for action, name in actions.items():
        action.name = name
    return Written(
        actions=tuple(action.name for action in actions),
        first_frame=float(frames[0]) if len(frames) else start_frame,
        last_frame=float(frames[-1]) if len(frames) else start_frame,
        curve_count=sum(len(part.channels.curves) for part in parts),
        notices=tuple(notices),
    )


def _plan(character: Character, face: FaceTrack, label: TakeLabel) -> _Plan:
    channels = channels_of(character, face)
    left = _left_behind(channels, character)
    name = f"{character.name} {label.voice}".strip()[:50]
    return _Plan(name, channels + _lasting(left, channels), left)


def _build(parts: list[_Part], plans: list[_Plan], frames: Array) -> Generator[float, None, None]:
    total = sum(len(channels.curves) for plan in plans for channels in plan.channels)
    per_step = max(1, KEYS_PER_STEP // max(1, len(frames)))
    done = 0
    for plan in plans:
        shared: Reference | None = None
        for channels in plan.channels:
            part = _new_part(shared, channels, plan.name)
            shared = part.action if versions.HAS_ACTION_SLOTS else None
            parts.append(part)
            for (path, index), values in channels.curves.items():
                curves = versions.slot_curves(part.action.get(), part.slot)
                write_curve(curves, path, index, frames, values)
                done += 1
                if done % per_step == 0:
                    yield done / total


def _new_part(shared: Reference | None, channels: Channels, name: str) -> _Part:
    """A slot for a data-block in the action that it shares, or in one of its own."""
    if not versions.HAS_ACTION_SLOTS:
        name = f"{name} {channels.owner.name}"
    action = versions.new_action(name, channels.id_type) if shared is None else shared.get()
    slot = versions.add_slot(action, channels.id_type, channels.owner.name)
    return _Part(channels, reference(action), slot, name)


def _check_assignable(owner: Any) -> None:
    data = owner.animation_data
    if data is not None and data.use_tweak_mode:
        raise UserError(
            f"'{owner.name}' is in the tweak mode of the NLA editor.", "Leave it with Tab first."
        )


def _ours(owner: Any) -> bpy.types.Action | None:
    """The action of ours that animates a data-block."""
    action = owner.animation_data.action if owner.animation_data else None
    return action if action is not None and TAKE in action else None


def _left_behind(all_channels: list[Channels], character: Character) -> list[tuple[Reference, str]]:
    """Objects, and bones of them, that the take before turned and this one does not."""
    now = {(channels.owner, each.bone) for channels in all_channels for each in channels.turned}
    before = {action for channels in all_channels if (action := _ours(channels.owner.get()))}
    takes = {action[TAKE] for action in before}
    left: list[tuple[Reference, str]] = []
    for obj in bpy.data.objects:
        action = _ours(obj)
        if action is None or (PART in obj and obj not in character.members):
            continue  # a part of another built-in head; a copy of this one may bear its take
        if action in before if versions.HAS_ACTION_SLOTS else action[TAKE] in takes:
            bones = obj.pose.bones if obj.pose else ()
            names = ["" if turns == obj else turns.name for turns in (obj, *bones) if REST in turns]
            left += [(reference(obj), name) for name in names]
    return [each for each in left if each not in now]


def _lasting(left: list[tuple[Reference, str]], all_channels: list[Channels]) -> list[Channels]:
    """Channels without curves of ours, for what an artist has added where we turn nothing more."""
    owners = dict.fromkeys(owner for owner, _bone in left)
    result: list[Channels] = []
    for owner in owners.keys() - {channels.owner for channels in all_channels}:
        data = owner.get().animation_data
        if _foreign_curves(data.action, versions.assigned_slot(data)):
            result.append(Channels(owner, "OBJECT", {}))
    return result


def _put_in_place(
    parts: list[_Part], left: list[tuple[Reference, str]], label: TakeLabel
) -> list[str]:
    """Make the new actions the active ones; on any error everything is as before."""
    undo: list[tuple[Any, bpy.types.Action | None, int]] = []
    held: list[tuple[Any, str, bool]] = []
    try:
        for part in parts:
            owner, action = part.channels.owner.get(), part.action.get()
            _check_assignable(owner)
            data = owner.animation_data
            old = data.action if data else None
            old_slot = versions.assigned_slot(data) if data else 0
            undo.append((owner, old, old_slot))
            if old is not None and (TAKE in old or part.channels.shared):
                _keep_foreign_curves(old, old_slot, action, part)
            _mark(action, label, [p for p in parts if p.action == part.action])
            _hold(owner, part.channels, held)
            versions.assign_action(owner, action, part.slot)
    except BaseException:
        for owner, old, old_slot in reversed(undo):
            versions.assign_action(owner, old, old_slot)
        for turns, mode, had_rest in held:
            turns.rotation_mode = mode
            if REST in turns and not had_rest:
                del turns[REST]
        raise
    released = _release(left, {part.channels.owner for part in parts})
    return _retire([old for _owner, old, _slot in undo] + released)


def _hold(owner: Any, channels: Channels, held: list[tuple[Any, str, bool]]) -> None:
    """Let what turns remember its rest; ``held`` is what it takes to undo that."""
    for each in channels.turned:
        turns = turning(owner, each.bone)
        if turns is None:
            raise SceneChanged(f"Stopped: '{each.bone}' no longer exists.")
        held.append((turns, turns.rotation_mode, REST in turns))
        turns.rotation_mode = each.rotation_mode
        remember_rest(turns, each.rest, each.moves)


def _release(
    left: list[tuple[Reference, str]], owners: set[Reference]
) -> list[bpy.types.Action | None]:
    """Put what no take turns any more back to rest; the actions that it lets go of."""
    actions: list[bpy.types.Action | None] = []
    for reference_, bone in left:
        owner = reference_.find()
        turns = None if owner is None else turning(owner, bone)
        if turns is None or REST not in turns:
            continue
        if reference_ not in owners:
            actions.append(_ours(owner))
            versions.assign_action(owner, None, 0)
        _mode, name, values = rotation(turns, rest_matrix(turns)[None])
        setattr(turns, name, values[0])
        turns.location = rest_place(turns) or turns.location
        del turns[REST]
    return actions


def _mark(action: bpy.types.Action, label: TakeLabel, parts: list[_Part]) -> None:
    action[TAKE] = label.take_id
    action[SETTINGS] = label.settings_hash
    action[VOICE] = label.voice
    action[MODEL] = label.model
    action[CURVES] = json.dumps({str(p.slot): sorted(p.channels.curves) for p in parts})


def _foreign_curves(action: bpy.types.Action, slot: int) -> list[Any]:
    """The curves of a slot that no take has written."""
    saved = json.loads(action.get(CURVES, "{}"))
    # Takes of before told those of all slots in one list.
    rows = saved.get(str(slot), []) if isinstance(saved, dict) else saved
    ours: set[CurveId] = {(path, index) for path, index in rows}
    curves = versions.slot_curves(action, slot)
    return [curve for curve in curves if (curve.data_path, curve.array_index) not in ours]


def _keep_foreign_curves(
    old: bpy.types.Action, old_slot: int, action: bpy.types.Action, part: _Part
) -> None:
    """Take over what an artist has added to an action of ours, or animated beside the head."""
    curves = versions.slot_curves(action, part.slot)
    for curve in _foreign_curves(old, old_slot):
        if (curve.data_path, curve.array_index) not in part.channels.curves:
            copy_curve(curve, curves)


def _retire(replaced: list[bpy.types.Action | None]) -> list[str]:
    """Delete what was ours and is used no more; keep an artist's action and say so."""
    notices = []
    for old in dict.fromkeys(action for action in replaced if action is not None):
        if TAKE in old:
            if old.users == 0:
                bpy.data.actions.remove(old)
        else:
            old.use_fake_user = True
            notices.append(f"Your action '{old.name}' was kept; the take has its own action.")
    return notices


def _remove(actions: set[Reference]) -> None:
    for action in actions:
        found = action.find()
        if found is not None:
            bpy.data.actions.remove(found)
