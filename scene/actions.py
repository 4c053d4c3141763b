# SPDX-License-Identifier: GPL-3.0-or-later
"""A take as keyframes: one action with a slot per data-block (Blender 4.2: one action each).

The new action is built aside, in steps short enough for a window, and put in place at the very
end by one step that is undone when anything fails. So a face has its old animation or the new one.
An action of ours that it replaces is deleted; curves that an artist added to it are kept. An
artist's own action stays in the file.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ..core.errors import UserError
from ..core.face.track import FaceTrack
from ..core.naming import retarget
from . import space, versions
from .characters import Character, ShapedMesh
from .curves import copy_curve, write_curve
from .rates import scene_rate, take_frames
from .references import Reference, reference

TAKE = "facewright_take"
SETTINGS = "facewright_settings"
VOICE = "facewright_voice"
MODEL = "facewright_model"
CURVES = "facewright_curves"
REST = "facewright_rest"
KEYS_PER_STEP = 60_000

Array = np.ndarray[Any, Any]
CurveId = tuple[str, int]


@dataclass(frozen=True)
class TakeLabel:
    """What an action says about its origin; hashes as hexadecimal text."""

    take_id: str
    settings_hash: str = ""
    voice: str = ""
    model: str = ""


@dataclass(frozen=True)
class Channels:
    """The curves of one data-block: values (T,) by data path and index."""

    owner: Reference
    id_type: str
    curves: dict[CurveId, Array]
    rotation_mode: str = ""
    rest: tuple[float, ...] = ()


@dataclass(frozen=True)
class Written:
    """What was written: actions, the frames of the first and last key, how many curves."""

    actions: tuple[str, ...]
    first_frame: float
    last_frame: float
    curve_count: int
    notices: tuple[str, ...]


@dataclass
class _Part:
    """A new action (or a slot of it) on its way to a data-block."""

    channels: Channels
    action: Reference
    slot: int


def channels_of(character: Character, face: FaceTrack) -> list[Channels]:
    """Everything that a take moves: the keys that match, the lower denture and the eyes."""
    result = [_key_channels(mesh, face) for mesh in character.meshes]
    motion = space.jaw_matrices(face.jaw)
    for obj in character.jaw:
        rest = rest_matrix(obj)
        result.append(_object_channels(obj, space.moved(motion, rest), rest, moves=True))
    for index, obj in enumerate(character.eyes):
        if obj is not None:
            rest = rest_matrix(obj)
            turns = space.turned(space.eye_matrices(face.eyes[:, index]), rest)
            result.append(_object_channels(obj, turns, rest, moves=False))
    return result


def rest_matrix(obj: bpy.types.Object) -> Array:
    """Where the object stands when nothing moves it: remembered from before its first take."""
    saved = obj.get(REST)
    if isinstance(saved, str):
        with suppress(ValueError):
            return np.array(json.loads(saved), np.float64).reshape(4, 4)
    return np.array(obj.matrix_basis, np.float64)


def _key_channels(mesh: ShapedMesh, face: FaceTrack) -> Channels:
    names, values = retarget(mesh.found, face.names, face.weights)
    curves: dict[CurveId, Array] = {}
    for column, name in enumerate(names):
        path = mesh.key.key_blocks[name].path_from_id("value")
        curves[path, 0] = np.clip(values[:, column], *mesh.ranges[name])
    return Channels(reference(mesh.key), "KEY", curves)


def _object_channels(
    obj: bpy.types.Object, matrices: Array, rest: Array, *, moves: bool
) -> Channels:
    curves: dict[CurveId, Array] = {}
    if moves:
        curves.update({("location", i): matrices[:, i, 3] for i in range(3)})
    if obj.rotation_mode == "QUATERNION":
        mode, path, turns = "QUATERNION", "rotation_quaternion", space.quaternions(matrices)
    else:
        mode, path, turns = "XYZ", "rotation_euler", space.euler_xyz(matrices)
    curves.update({(path, i): turns[:, i] for i in range(turns.shape[1])})
    return Channels(reference(obj), "OBJECT", curves, mode, tuple(rest.ravel().tolist()))


def write_take(
    character: Character,
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
    character: Character,
    face: FaceTrack,
    scene: bpy.types.Scene,
    start_frame: float,
    label: TakeLabel,
) -> Generator[float, None, Written]:
    """Write a take, yielding the share that is done. Closing the generator leaves nothing behind.

    Raises UserError, and SceneChanged when the face vanishes on the way.
    """
    frames = take_frames(face, scene_rate(scene), start_frame)
    all_channels = channels_of(character, face)
    name = f"{character.name} {label.voice}".strip()[:50]
    del character, scene  # nothing of Blender may be held across a yield
    for channels in all_channels:
        _check_assignable(channels.owner.get())
    parts: list[_Part] = []
    placed = False
    try:
        yield from _build(parts, all_channels, frames, name)
        notices = _put_in_place(parts, label)
        placed = True
    finally:
        if not placed:
            _remove({part.action for part in parts})
    actions = list(dict.fromkeys(part.action.get() for part in parts))
    for part, action in zip(parts, actions, strict=False):
        action.name = _action_name(name, part.channels)
    return Written(
        actions=tuple(action.name for action in actions),
        first_frame=float(frames[0]) if len(frames) else start_frame,
        last_frame=float(frames[-1]) if len(frames) else start_frame,
        curve_count=sum(len(part.channels.curves) for part in parts),
        notices=tuple(notices),
    )


def _build(
    parts: list[_Part], all_channels: list[Channels], frames: Array, name: str
) -> Generator[float, None, None]:
    total = sum(len(channels.curves) for channels in all_channels)
    per_step = max(1, KEYS_PER_STEP // max(1, len(frames)))
    done = 0
    for channels in all_channels:
        part = _new_part(parts, channels, name)
        parts.append(part)
        for (path, index), values in channels.curves.items():
            curves = versions.slot_curves(part.action.get(), part.slot)
            write_curve(curves, path, index, frames, values)
            done += 1
            if done % per_step == 0:
                yield done / total


def _new_part(parts: list[_Part], channels: Channels, name: str) -> _Part:
    if parts and versions.HAS_ACTION_SLOTS:
        action = parts[0].action.get()
    else:
        action = versions.new_action(_action_name(name, channels), channels.id_type)
    slot = versions.add_slot(action, channels.id_type, channels.owner.name)
    return _Part(channels, reference(action), slot)


def _action_name(name: str, channels: Channels) -> str:
    return name if versions.HAS_ACTION_SLOTS else f"{name} {channels.owner.name}"


def _check_assignable(owner: Any) -> None:
    data = owner.animation_data
    if data is not None and data.use_tweak_mode:
        raise UserError(
            f"'{owner.name}' is in the tweak mode of the NLA editor.", "Leave it with Tab first."
        )


def _put_in_place(parts: list[_Part], label: TakeLabel) -> list[str]:
    """Make the new actions the active ones; on any error everything is as before."""
    undo: list[tuple[Any, bpy.types.Action | None, int, str, bool]] = []
    try:
        for part in parts:
            owner, action = part.channels.owner.get(), part.action.get()
            _check_assignable(owner)
            data = owner.animation_data
            old = data.action if data else None
            old_slot = versions.assigned_slot(data) if data else 0
            mode = getattr(owner, "rotation_mode", "")
            undo.append((owner, old, old_slot, mode, REST in owner))
            if old is not None and TAKE in old:
                _keep_foreign_curves(old, old_slot, action, part)
            _mark(action, label, [p for p in parts if p.action == part.action])
            if part.channels.rotation_mode:
                owner.rotation_mode = part.channels.rotation_mode
                owner[REST] = json.dumps(part.channels.rest)
            versions.assign_action(owner, action, part.slot)
    except BaseException:
        for owner, old, old_slot, mode, had_rest in reversed(undo):
            versions.assign_action(owner, old, old_slot)
            if mode:
                owner.rotation_mode = mode
            if REST in owner and not had_rest:
                del owner[REST]
        raise
    return _retire([old for _owner, old, *_rest in undo])


def _mark(action: bpy.types.Action, label: TakeLabel, parts: list[_Part]) -> None:
    action[TAKE] = label.take_id
    action[SETTINGS] = label.settings_hash
    action[VOICE] = label.voice
    action[MODEL] = label.model
    ours = {curve for part in parts for curve in part.channels.curves}
    action[CURVES] = json.dumps(sorted(ours))


def _keep_foreign_curves(
    old: bpy.types.Action, old_slot: int, action: bpy.types.Action, part: _Part
) -> None:
    """Take over what an artist has added to an action of ours."""
    ours = {(path, index) for path, index in json.loads(old.get(CURVES, "[]"))}
    ours.update(part.channels.curves)
    curves = versions.slot_curves(action, part.slot)
    for curve in versions.slot_curves(old, old_slot):
        if (curve.data_path, curve.array_index) not in ours:
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
