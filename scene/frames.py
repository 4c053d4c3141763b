# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows one frame on a face without keyframes: previews and live sessions.

What a take animates goes on being animated: at the next change of frame Blender shows the take
again.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import bpy

from ..core.face.track import FaceTrack
from .channels import Channels, channels_of
from .characters import Character
from .joints import REST, remember_rest, turning
from .references import Reference

NOTED = "facewright_look"  # on what shows a frame for a while: how it looked, as JSON


def edited(character: Character) -> str:
    """Name of an object of a face that the user edits or sculpts now; empty when none is.

    Nothing is shown on such a face: it would change under the user's hands.
    """
    joints = (*character.jaw, *character.eyes, character.head)
    objects = [mesh.object for mesh in character.meshes]
    objects += [joint.object for joint in joints if joint is not None]
    return next((obj.name for obj in objects if _is_edited(obj)), "")


def _is_edited(obj: Any) -> bool:
    """Also by way of another object with the same mesh or armature."""
    shared = getattr(obj.data, "is_editmode", False)
    return bool(shared) or obj.mode in {"EDIT", "SCULPT"}


def show_frame(character: Character, frame: FaceTrack) -> None:
    """Give a face the values of the first frame of a track.

    Where an object or bone stands at rest is noted on it first, as a take does.
    """
    for channels in channels_of(character, frame):
        owner = channels.owner.get()
        _keep_rest(owner, channels)
        for (path, index), values in channels.curves.items():
            _put(owner, path, index, float(values[0]))
        owner.update_tag()


def _keep_rest(owner: Any, channels: Channels) -> None:
    for each in channels.turned:
        turns = turning(owner, each.bone)
        if turns is None:
            continue
        if REST not in turns:
            remember_rest(turns, each.rest, each.moves)
        if turns.rotation_mode != each.rotation_mode:
            turns.rotation_mode = each.rotation_mode


def _put(owner: Any, path: str, index: int, value: float) -> None:
    """Set the property of a data path, as an F-curve does."""
    place, _, name = path.rpartition(".")
    struct = owner.path_resolve(place) if place else owner
    if struct.bl_rna.properties[name].is_array:
        getattr(struct, name)[index] = value
    else:
        setattr(struct, name, value)


@dataclass(frozen=True)
class Look:
    """How a face looked: the value of every property that a frame moves, by data path and index."""

    values: tuple[tuple[Reference, str, int, float], ...]

    def note(self) -> None:
        """Note it on what is moved: steps of undo and automatic saves hold that as well."""
        for reference in dict.fromkeys(owner for owner, *_ in self.values):
            owner = reference.find()
            if owner is not None and NOTED not in owner:
                owner[NOTED] = json.dumps([row for by, *row in self.values if by == reference])


def look_of(character: Character, frame: FaceTrack) -> Look:
    """What a face shows now, before it shows the first frame of a track."""
    values: list[tuple[Reference, str, int, float]] = []
    for channels in channels_of(character, frame):
        owner = channels.owner.get()
        _keep_rest(owner, channels)
        for path, index in channels.curves:
            values.append((channels.owner, path, index, _value(owner, path, index)))
    return Look(tuple(values))


def give_back(look: Look) -> bool:
    """Let a face look as it did; what of it is gone is left out. True where a take moves it, which
    then shows again with the next change of frame."""
    owners = {owner: owner.find() for owner, *_ in look.values}
    for reference, path, index, value in look.values:
        owner = owners[reference]
        if owner is not None:
            with suppress(ValueError, KeyError):  # a key or bone that is gone
                _put(owner, path, index, value)
    found = [owner for owner in owners.values() if owner is not None]
    for owner in found:
        owner.pop(NOTED, None)
        owner.update_tag()
    return any(owner.animation_data and owner.animation_data.action for owner in found)


def give_noted_back() -> None:
    """Let everything look as was noted on it, where undo or a file brought such a note back."""
    for owner in (*bpy.data.shape_keys, *bpy.data.objects):
        if NOTED not in owner or not owner.is_editable:
            continue
        with suppress(ValueError, KeyError, TypeError, AttributeError):  # of a file, so anything
            for path, index, value in json.loads(owner[NOTED]):
                _put(owner, path, index, value)
        del owner[NOTED]
        owner.update_tag()


def _value(owner: Any, path: str, index: int) -> float:
    found = owner.path_resolve(path)
    return float(found) if isinstance(found, (int, float)) else float(found[index])
