# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows one frame on a face without keyframes: previews and live sessions.

What a take animates goes on being animated: at the next change of frame Blender shows the take
again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import bpy

from ..core.face.track import FaceTrack
from .channels import Channels, channels_of
from .characters import Character
from .joints import REST, remember_rest, turning
from .references import Reference, reference
from .vertex_animation import caches_of, players

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

    Where an object or bone stands at rest is noted on it first, as a take does. Vertex animation
    would hide the frame, so it is switched off in the viewport, which is noted as well.
    """
    _uncover(character)
    for channels in channels_of(character, frame):
        owner = channels.owner.get()
        keep_rest(owner, channels)
        for (path, index), values in channels.curves.items():
            _put(owner, path, index, float(values[0]))
        owner.update_tag()


def _uncover(character: Character) -> None:
    for owner, rows in _covering(character):
        noted = json.loads(owner[NOTED]) if NOTED in owner else []
        owner[NOTED] = json.dumps(noted + [row for row in rows if row not in noted])
        for path, index, _value in rows:
            _put(owner, path, index, 0.0)


def _covering(character: Character) -> Iterator[tuple[Any, list[list[Any]]]]:
    """What switches the vertex animation off that a face and its followers show: the objects, and
    rows of data path, index, value."""
    for obj in players(character):
        on = [each for each in caches_of(obj) if each.show_viewport]
        if on:
            yield obj, [[f"{each.path_from_id()}.show_viewport", 0, 1.0] for each in on]


def keep_rest(owner: Any, channels: Channels) -> None:
    """Note on what turns where it stands at rest, and let it turn as the channels say."""
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
    property = struct.bl_rna.properties[name]
    if property.type == "BOOLEAN":
        setattr(struct, name, bool(value))
    elif property.is_array:
        getattr(struct, name)[index] = value
    else:
        setattr(struct, name, value)


@dataclass(frozen=True)
class Look:
    """How a face looked: the value of every property that a frame moves, by data path and index."""

    values: tuple[tuple[Reference, str, int, float], ...]

    def note(self) -> None:
        """Note it on what is moved: steps of undo and automatic saves hold that as well."""
        for owned in dict.fromkeys(owner for owner, *_ in self.values):
            owner = owned.find()
            if owner is not None and NOTED not in owner:
                owner[NOTED] = json.dumps([row for by, *row in self.values if by == owned])


def look_of(character: Character, frame: FaceTrack) -> Look:
    """What a face shows now, before it shows the first frame of a track."""
    values: list[tuple[Reference, str, int, float]] = [
        (reference(obj), path, index, value)
        for obj, rows in _covering(character)
        for path, index, value in rows
    ]
    for channels in channels_of(character, frame):
        owner = channels.owner.get()
        keep_rest(owner, channels)
        for path, index in channels.curves:
            values.append((channels.owner, path, index, _value(owner, path, index)))
    return Look(tuple(values))


def give_back(look: Look) -> bool:
    """Let a face look as it did; what of it is gone is left out. True where a take moves it, which
    then shows again with the next change of frame."""
    owners = {owner: owner.find() for owner, *_ in look.values}
    for owned, path, index, value in look.values:
        owner = owners[owned]
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
