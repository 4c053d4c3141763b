# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes as strips of the NLA editor: one track for each take, at the take's own frames.

A strip plays at its frames only. Outside of strips Blender puts what they move to its default, and
an object's place is not 0, nor in Blender 5.0 a shape key's value: what would not rest gets one
more track below, which holds it there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import bpy
import numpy as np

from ..core.take_label import TAKE
from . import versions
from .channels import Channels, rotation
from .curves import write_curve
from .joints import turning
from .take_marks import CurveId

REST_OF = "facewright_rest_of"  # on an action that holds an object at rest
REST_TRACK = "Facewright Rest"


def add_strip(
    owner: Any, action: bpy.types.Action, slot: int, name: str, first: float, last: float
) -> Any:
    """A new track on top with the action as its strip, which plays from ``first`` to ``last``."""
    data = owner.animation_data or owner.animation_data_create()
    track = data.nla_tracks.new()
    track.name = name
    strip = track.strips.new(name, int(first // 1), action)
    versions.set_strip_slot(strip, action, slot)
    last = max(last, first + 1e-3)
    if first >= strip.action_frame_end:
        strip.action_frame_end, strip.action_frame_start = last, first
    else:
        strip.action_frame_start, strip.action_frame_end = first, last
    if first >= strip.frame_end:
        strip.frame_end, strip.frame_start = last, first
    else:
        strip.frame_start, strip.frame_end = first, last
    strip.extrapolation, strip.blend_type = "NOTHING", "REPLACE"
    return track


def hold_at_rest(owner: Any, parts: Iterable[Channels]) -> None:
    """Hold what a take moves where it stands at rest as long as no strip moves it."""
    data = owner.animation_data or owner.animation_data_create()
    if len(data.nla_tracks):  # an artist's tracks say where it stands, or ours do already
        return
    values: dict[CurveId, float] = {}
    kinds = set()
    for channels in parts:
        keys = channels.id_type == "KEY"
        values.update(
            dict.fromkeys(channels.curves, 0.0) if keys else _rest_values(owner, channels)
        )
        kinds.add(channels.id_type)
    if all(abs(value - _default(path, index)) < 1e-6 for (path, index), value in values.items()):
        return
    (id_type,) = kinds
    action = versions.new_action(f"{owner.name} Rest", id_type)
    action[REST_OF] = owner.name
    slot = versions.add_slot(action, id_type, owner.name)
    curves = versions.slot_curves(action, slot)
    for (path, index), value in values.items():
        write_curve(curves, path, index, np.zeros(1), np.full(1, value))
    add_strip(owner, action, slot, REST_TRACK, 0.0, 1.0)
    data.nla_tracks[-1].strips[0].extrapolation = "HOLD"


def _rest_values(owner: Any, channels: Channels) -> dict[CurveId, float]:
    values = {}
    for each in channels.turned:
        turns = turning(owner, each.bone)
        rest = np.array(each.rest, np.float64).reshape(4, 4)
        _mode, _name, turned = rotation(turns, rest[None])
        start = f"{turns.path_from_id()}." if each.bone else ""
        for path, index in channels.curves:
            if path.startswith(start):  # else another bone of the armature
                moves = path.endswith("location")
                values[path, index] = float(rest[index, 3] if moves else turned[0, index])
    return values


def _default(path: str, index: int) -> float:
    """What Blender shows where no strip plays."""
    if path.startswith("key_blocks"):
        return float(bpy.types.ShapeKey.bl_rna.properties["value"].default)
    return 1.0 if path.endswith("rotation_quaternion") and index == 0 else 0.0


def remove_strips(owner: Any, actions: set[bpy.types.Action]) -> int:
    """Take the strips of these actions away, and the tracks that are empty then; how many."""
    data = owner.animation_data
    count = 0
    for track in list(data.nla_tracks) if data else ():
        strips = [strip for strip in track.strips if strip.action in actions]
        for strip in strips:
            track.strips.remove(strip)
        if strips and not len(track.strips):
            data.nla_tracks.remove(track)
        count += len(strips)
    if count:
        let_go_of_rest(owner)
    return count


def let_go_of_rest(owner: Any) -> None:
    """Take away what holds an object at rest, when no take of ours is left in its NLA."""
    data = owner.animation_data
    if data is None or take_strips(owner):
        return
    for track in list(data.nla_tracks):
        held = {s.action for s in track.strips if s.action is not None and REST_OF in s.action}
        if held and len(held) == len(track.strips):
            data.nla_tracks.remove(track)
            for action in held:
                if action.users == 0:
                    bpy.data.actions.remove(action)


def take_strips(owner: Any) -> list[Any]:
    """The strips of our takes that a data-block has and that are heard, lowest first."""
    data = owner.animation_data
    if data is None:
        return []
    return [
        strip
        for track in data.nla_tracks
        for strip in track.strips
        if strip.action is not None and TAKE in strip.action
    ]


def unseen(owner: Any, track: Any) -> str:
    """Why a strip of a track does not show on a data-block, as one sentence; empty when it does."""
    data = owner.animation_data
    solo = next((each.name for each in data.nla_tracks if each.is_solo and each != track), "")
    if solo:
        return f"The NLA track '{solo}' of '{owner.name}' plays solo, so the take does not show."
    if not data.use_nla:
        return f"The NLA of '{owner.name}' is switched off, so the take does not show."
    if data.action is not None:
        return (
            f"Your action '{data.action.name}' stays active on '{owner.name}': where both move "
            f"the same, it goes before the take's strip."
        )
    return ""
