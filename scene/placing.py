# SPDX-License-Identifier: GPL-3.0-or-later
"""Putting new actions in place of those before: all of them, or on any error none.

An action of ours that is replaced is deleted, or kept when the new take is to be a further one;
curves that an artist added to it go on. An artist's own action stays in the file; where it moves a
body whose head a take turns, its other curves go on in the new action.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import bpy

from ..core.errors import UserError
from ..core.take_label import NLA, REPLACE, TAKE, TakeLabel
from . import versions
from .channels import Channels, rotation
from .characters import Character
from .curves import copy_curve
from .joints import PART, REST, remember_rest, rest_matrix, rest_place, turning
from .nla import add_strip, hold_at_rest, let_go_of_rest, take_strips, unseen
from .references import Reference, SceneChanged, reference
from .take_marks import BESIDE, CurveId, Target, foreign_curves, mark, ours


@dataclass
class Part:
    """A new action (or a slot of it) on its way to a data-block."""

    channels: Channels
    action: Reference
    slot: int
    name: str
    label: TakeLabel
    lead: bool = False

    @property
    def target(self) -> Target:
        """What is remembered of the data-block."""
        row = self.channels
        return Target(self.slot, row.id_type, row.owner.get().name, row.turned)


@dataclass
class _Before:
    """How a data-block was animated before."""

    owner: Any
    action: bpy.types.Action | None
    slot: int
    tracks: list[Any] = field(default_factory=list)
    made: list[bpy.types.Action] = field(default_factory=list)
    poses: list[tuple[Any, str, bool]] = field(default_factory=list)

    def restore(self) -> None:
        for track in self.tracks:
            self.owner.animation_data.nla_tracks.remove(track)
        let_go_of_rest(self.owner)
        versions.assign_action(self.owner, self.action, self.slot)
        for turns, mode, had_rest in reversed(self.poses):
            if mode:
                turns.rotation_mode = mode
            if REST in turns and not had_rest:
                del turns[REST]
        for action in self.made:
            bpy.data.actions.remove(action)


def check_assignable(owner: Any) -> None:
    data = owner.animation_data
    if data is not None and data.use_tweak_mode:
        raise UserError(
            f"'{owner.name}' is in the tweak mode of the NLA editor.", "Leave it with Tab first."
        )


def left_behind(all_channels: list[Channels], character: Character) -> list[tuple[Reference, str]]:
    """Objects, and bones of them, that the take before turned and this one does not."""
    now = {(channels.owner, each.bone) for channels in all_channels for each in channels.turned}
    before = {action for channels in all_channels if (action := ours(channels.owner.get()))}
    takes = {action[TAKE] for action in before}
    left: list[tuple[Reference, str]] = []
    for obj in bpy.data.objects:
        action = ours(obj)
        if action is None or (PART in obj and obj not in character.members):
            continue  # a part of another built-in head; a copy of this one may bear its take
        if action in before if versions.HAS_ACTION_SLOTS else action[TAKE] in takes:
            bones = obj.pose.bones if obj.pose else ()
            names = ["" if turns == obj else turns.name for turns in (obj, *bones) if REST in turns]
            left += [(reference(obj), name) for name in names]
    return [each for each in left if each not in now]


def lasting(left: list[tuple[Reference, str]], all_channels: list[Channels]) -> list[Channels]:
    """Channels without curves of ours, for what an artist has added where we turn nothing more."""
    owners = dict.fromkeys(owner for owner, _bone in left)
    result: list[Channels] = []
    for owner in owners.keys() - {channels.owner for channels in all_channels}:
        data = owner.get().animation_data
        if foreign_curves(data.action, versions.assigned_slot(data)):
            result.append(Channels(owner, "OBJECT", {}))
    return result


def put_in_place(
    parts: list[Part], left: list[tuple[Reference, str]], bake: str = REPLACE
) -> list[str]:
    """Make the new actions those that animate, or strips of the NLA; on any error everything is as
    before. ``left`` is put back to rest. Returns notices."""
    done: list[_Before] = []
    notices: list[str] = []
    grouped: dict[Reference, list[Part]] = {}
    for part in parts:
        grouped.setdefault(part.channels.owner, []).append(part)
    try:
        for action in {part.action: None for part in parts}:
            _mark(action.get(), [part for part in parts if part.action == action])
        for reference, group in grouped.items():
            owner = reference.get()
            check_assignable(owner)
            data = owner.animation_data
            slot = versions.assigned_slot(data) if data else 0
            before = _Before(owner, data.action if data else None, slot)
            done.append(before)
            _set_up(before, group)
            if bake == NLA:
                notices.append(_strip_of(before, group))
            else:
                _go_on(before, group)
                versions.assign_action(owner, group[0].action.get(), group[0].slot)
    except BaseException:
        for before in reversed(done):
            before.restore()
        raise
    if bake != NLA and any(take_strips(before.owner) for before in done):
        notices.append("Takes of this face in the NLA do not show while a take is its action.")
    released = _release(left, set(grouped))
    old = [before.action for before in done] + released
    seen = [text for text in dict.fromkeys(notices) if text]
    return seen + retire(old, delete=bake == REPLACE, noting=bake != NLA)


def _mark(action: bpy.types.Action, parts: list[Part]) -> None:
    curves: dict[int, set[CurveId]] = {}
    for part in parts:
        curves.setdefault(part.slot, set()).update(part.channels.curves)
    lead = any(part.lead for part in parts)
    mark(action, parts[0].label, curves, [part.target for part in parts], lead)


def _set_up(before: _Before, group: list[Part]) -> None:
    """Let an object or bones turn as their curves are meant, and remember how they stand."""
    for each in (each for part in group for each in part.channels.turned):
        turns = turning(before.owner, each.bone)
        if turns is None:
            raise SceneChanged(f"Stopped: '{each.bone}' no longer exists.")
        before.poses.append((turns, turns.rotation_mode, REST in turns))
        turns.rotation_mode = each.rotation_mode
        remember_rest(turns, each.rest, each.moves)


def _go_on(before: _Before, group: list[Part]) -> None:
    """Take over what an artist has added to an action of ours, or animated beside the head."""
    shared = any(part.channels.shared for part in group)
    if before.action is None or not (TAKE in before.action or shared):
        return
    known = {curve for part in group for curve in part.channels.curves}
    curves = versions.slot_curves(group[0].action.get(), group[0].slot)
    for curve in foreign_curves(before.action, before.slot):
        if (curve.data_path, curve.array_index) not in known:
            copy_curve(curve, curves)


def _strip_of(before: _Before, group: list[Part]) -> str:
    """Add the take as a strip, which an action of ours must not hide; returns a notice."""
    owner, label = before.owner, group[0].label
    hold_at_rest(
        owner,
        [each.channels for each in group if each.channels.turned or each.channels.id_type == "KEY"],
    )
    if before.action is not None and TAKE in before.action:
        added = artists_part(before.action, before.slot, owner)
        before.made += [added[0]] if added else []
        versions.assign_action(owner, *(added or (None, 0)))
    action = group[0].action.get()
    first, last = label.first_frame, label.last_frame
    track = add_strip(owner, action, group[0].slot, group[0].name, first, last)
    before.tracks.append(track)
    return unseen(owner, track)


def artists_part(
    action: bpy.types.Action, slot: int, owner: Any
) -> tuple[bpy.types.Action, int] | None:
    """A new action with the curves alone that an artist added to ours; None when there are none."""
    found = foreign_curves(action, slot)
    if not found:
        return None
    id_type = "OBJECT" if isinstance(owner, bpy.types.Object) else "KEY"
    new = versions.new_action(f"{owner.name} Added", id_type)
    new_slot = versions.add_slot(new, id_type, owner.name)
    curves = versions.slot_curves(new, new_slot)
    for curve in found:
        copy_curve(curve, curves)
    return new, new_slot


def _release(
    left: list[tuple[Reference, str]], owners: set[Reference]
) -> list[bpy.types.Action | None]:
    """Put what no take turns any more back to rest; the actions that it lets go of."""
    actions: list[bpy.types.Action | None] = []
    for reference_, bone in left:
        owner = reference_.find()
        turns = None if owner is None else turning(owner, bone)
        if owner is None or turns is None or REST not in turns:
            continue
        if reference_ not in owners:
            let_go(owner, actions)
        to_rest(turns, rest_matrix(turns), rest_place(turns) is not None)
    return actions


def let_go(owner: Any, actions: list[bpy.types.Action | None]) -> None:
    """Take our action off a data-block; what an artist added to it goes on in one of its own."""
    action = ours(owner)
    if action is None:
        return
    actions.append(action)
    added = artists_part(action, versions.assigned_slot(owner.animation_data), owner)
    versions.assign_action(owner, *(added or (None, 0)))


def to_rest(turns: Any, rest: Any, moves: bool) -> None:
    """Put an object or a bone back to its rest (4, 4); ``moves``: to its place as well."""
    if moves:
        turns.location = tuple(rest[:3, 3])
    _mode, name, values = rotation(turns, rest[None])
    setattr(turns, name, values[0])
    if REST in turns:
        del turns[REST]


def retire(
    replaced: list[bpy.types.Action | None], *, delete: bool, noting: bool = True
) -> list[str]:
    """Delete what was ours and is used no more, or keep it; keep an artist's action and say so."""
    notices = []
    for old in dict.fromkeys(action for action in replaced if action is not None):
        if TAKE not in old:
            if noting:
                old.use_fake_user = True
                if BESIDE not in old:
                    text = f"Your action '{old.name}' was kept; the take has its own action."
                    notices.append(text)
        elif not delete:
            old.use_fake_user = True
        elif old.users == 0:
            bpy.data.actions.remove(old)
    return notices
