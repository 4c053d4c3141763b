# SPDX-License-Identifier: GPL-3.0-or-later
"""The takes in a file: finding them and their faces, showing one again, as a strip, taking it away.

A take is told by its label's ``key``; before Blender 4.4 several actions have the same one.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import bpy
import numpy as np

from ..core.errors import UserError
from ..core.face.track import FaceTrack
from ..core.naming import CANONICAL_NAMES
from ..core.take_label import TAKE, TakeLabel, label_of
from . import versions
from .channels import Channels, channels_of
from .characters import Character, find_character
from .joints import REST, remember_rest, rest_matrix, rest_place, turning
from .nla import add_strip, hold_at_rest, remove_strips, take_strips, unseen
from .placing import check_assignable, let_go, retire, to_rest
from .references import reference
from .take_marks import Target, foreign_curves, our_curves, ours, targets_of, unmark


@dataclass(frozen=True)
class Bound:
    """An action of a take (or a slot of it) with the data-block that it belongs to."""

    action: bpy.types.Action
    target: Target
    owner: Any


def take_of(lead: bpy.types.Action | None) -> tuple[TakeLabel, list[bpy.types.Action]]:
    """A take and all its actions by the one that lists show. Raises UserError when it is none."""
    label = None if lead is None else label_of(lead)
    if lead is None or label is None:
        raise UserError("The take is no longer in the file.", "Choose another.")
    if versions.HAS_ACTION_SLOTS:
        return label, [lead]
    others = [a for a in bpy.data.actions if (its := label_of(a)) and its.key == label.key]
    return label, [lead, *(action for action in others if action != lead)]


def shown_label(character: Character) -> list[TakeLabel]:
    """The takes that move a face now: the active one alone, else those of the NLA."""
    owners = [mesh.key for mesh in character.meshes] or [character.face]
    active = [action for owner in owners if (action := ours(owner))]
    strips = [] if active else [s.action for owner in owners for s in take_strips(owner)]
    labels = [label_of(action) for action in active or strips]
    return [label for label in labels if label is not None]


def bound(actions: Iterable[bpy.types.Action], character: Character | None) -> list[Bound]:
    """The data-blocks that a take's actions belong to; those that are gone are left out.

    What they animate now comes first; then they are looked for on the character, also under new
    names, and last by name in the file.
    """
    spare = _channels(character)
    found: list[Bound] = []
    open_rows: list[tuple[bpy.types.Action, Target]] = []
    for action in actions:
        for target in targets_of(action):
            now = [Bound(action, target, owner) for owner in _animated(action, target)]
            found += now
            if not now:
                open_rows.append((action, target))
    taken = {row.owner for row in found}
    spare = [row for row in spare if row.owner.get() not in taken]
    for named in (True, False):  # who has the right name must not be taken for a renamed one
        for action, target in tuple(open_rows):
            owner = _like(action, target, spare, named)
            if owner is not None:
                open_rows.remove((action, target))
                found.append(Bound(action, target, owner))
    return found


def _animated(action: bpy.types.Action, target: Target) -> list[Any]:
    """The data-blocks that an action's slot animates now."""
    return [
        owner
        for owner in _blocks(target)
        if (data := owner.animation_data) is not None
        and data.action == action
        and versions.assigned_slot(data) == target.slot
    ]


def _like(
    action: bpy.types.Action, target: Target, spare: list[Channels], named: bool
) -> Any | None:
    """What a target means: by its name, else the first that moves the same."""
    for row in spare:
        same = row.owner.name == target.name if named else _moves_all(action, target, row)
        if same and _kind(row) == _kind(target):
            spare.remove(row)
            return row.owner.get()
    return None if named else _blocks(target).get(target.name)


def _blocks(target: Target) -> Any:
    return bpy.data.shape_keys if target.id_type == "KEY" else bpy.data.objects


def _channels(character: Character | None) -> list[Channels]:
    """Everything that a take could move on a face."""
    if character is None:
        return []
    count = len(CANONICAL_NAMES)
    still = FaceTrack(
        CANONICAL_NAMES,
        np.zeros((1, count), np.float32),
        np.eye(4, dtype=np.float32)[None],
        np.zeros((1, 2, 2), np.float32),
        Fraction(1),
        0.0,
        head=np.zeros((1, 3), np.float32),
    )
    return channels_of(character, still)


def _kind(row: Channels | Target) -> tuple[str, tuple[str, ...]]:
    return row.id_type, tuple(each.bone for each in row.turned)


def _moves_all(action: bpy.types.Action, target: Target, channels: Channels) -> bool:
    return our_curves(action, target.slot) <= set(channels.curves)


def activate(actions: list[bpy.types.Action], character: Character | None) -> list[str]:
    """Let a take animate its face again; the one before stays in the file. Returns notices.

    Raises UserError when nothing of its face is left.
    """
    rows = _found(actions, character)
    replaced: list[bpy.types.Action | None] = []
    wanted = {(row.owner, bone) for row in rows for bone in row.target.bones}
    for owner, bone in _turned_now(rows, character):
        if (owner, bone) not in wanted:
            _still(owner, bone, replaced if owner not in {row.owner for row in rows} else None)
    for row in rows:
        data = row.owner.animation_data
        if data is not None and data.action not in (None, *actions):
            replaced.append(data.action)
        _turn(row)
        versions.assign_action(row.owner, row.action, row.target.slot)
    for action in actions:
        action.use_fake_user = False
    return retire([action for action in replaced if action not in actions], delete=False)


def as_strip(
    label: TakeLabel, actions: list[bpy.types.Action], character: Character | None
) -> list[str]:
    """Make a take a strip on each of its data-blocks; an action of ours that would hide it is taken
    off. Returns notices. Raises UserError when nothing of its face is left."""
    rows = _found(actions, character)
    notices: list[str] = []
    replaced: list[bpy.types.Action | None] = []
    name = actions[0].name
    done: set[Any] = set()
    for row in rows:
        _turn(row)
        if row.owner in done:
            continue
        done.add(row.owner)
        remove_strips(row.owner, set(actions))
        channels = _rest_channels(row)
        if row.target.turned or channels.id_type == "KEY":
            hold_at_rest(row.owner, [channels])
        let_go(row.owner, replaced)
        slot = row.target.slot
        track = add_strip(row.owner, row.action, slot, name, label.first_frame, label.last_frame)
        notices.append(unseen(row.owner, track))
    retire(replaced, delete=False)
    return [text for text in dict.fromkeys(notices) if text]


def remove(actions: list[bpy.types.Action], character: Character | None) -> list[str]:
    """Take a take away, its strips and its actions; a face that it moves goes back to rest.

    What an artist has added to its actions stays. Returns notices.
    """
    notices: list[str] = []
    for row in bound(actions, character):
        active = ours(row.owner)
        played = remove_strips(row.owner, {row.action}) > 0 or active == row.action
        if played and active in (None, row.action) and not take_strips(row.owner):
            _to_rest(row)
    for owner in (*bpy.data.objects, *bpy.data.shape_keys):  # copies that play it as well
        remove_strips(owner, set(actions))
    for action in actions:
        handles = {target.slot for target in targets_of(action)}
        if any(foreign_curves(action, slot) for slot in handles):
            for slot in handles:
                _remove_curves(action, slot)
            unmark(action)
            notices.append(f"What you added is still in the action '{action.name}'.")
        else:
            bpy.data.actions.remove(action)
    return notices


def _found(actions: list[bpy.types.Action], character: Character | None) -> list[Bound]:
    rows = bound(actions, character)
    if not rows:
        raise UserError("The face of this take is gone.", "Animate another one from its settings.")
    for row in rows:
        check_assignable(row.owner)
    return rows


def _turned_now(rows: list[Bound], character: Character | None) -> list[tuple[Any, str]]:
    """Objects and bones that takes turn at present, of the face and of who shares its actions."""
    before = {action for row in rows if (action := ours(row.owner))}
    takes = {action[TAKE] for action in before}
    members = set(character.members) if character is not None else {row.owner for row in rows}
    found = []
    for obj in bpy.data.objects:
        action = ours(obj)
        if action is None or action[TAKE] not in takes:
            continue
        if action in before or obj in members:
            nodes = (obj, *(obj.pose.bones if obj.pose else ()))
            found += [(obj, "" if node == obj else node.name) for node in nodes if REST in node]
    return found


def _still(owner: Any, bone: str, let: list[bpy.types.Action | None] | None) -> None:
    """Put back to rest what the take before turned; ``let`` is given where its action goes, too."""
    turns = turning(owner, bone)
    rest, moves = rest_matrix(turns), rest_place(turns) is not None
    if let is not None:
        let_go(owner, let)
    to_rest(turns, rest, moves)


def _turn(row: Bound) -> None:
    """Let an object or bones turn as the take's curves are meant."""
    for each in row.target.turned:
        turns = turning(row.owner, each.bone)
        if turns is not None:
            turns.rotation_mode = each.rotation_mode
            remember_rest(turns, each.rest, each.moves)


def _rest_channels(row: Bound) -> Channels:
    target = row.target
    curves = {curve: np.zeros(0) for curve in our_curves(row.action, target.slot)}
    there = tuple(each for each in target.turned if turning(row.owner, each.bone) is not None)
    return Channels(reference(row.owner), target.id_type, curves, there)


def _to_rest(row: Bound) -> None:
    curves = our_curves(row.action, row.target.slot)
    active = ours(row.owner) == row.action
    if active and not foreign_curves(row.action, row.target.slot):
        versions.assign_action(row.owner, None, 0)
    for each in row.target.turned:
        turns = turning(row.owner, each.bone)
        if turns is not None:
            to_rest(turns, np.array(each.rest, np.float64).reshape(4, 4), each.moves)
    for path, _index in curves if row.target.id_type == "KEY" else ():
        with suppress(ValueError):  # a key that is gone
            block = row.owner.path_resolve(path.rpartition(".")[0], False)
            block.value = max(0.0, block.slider_min)


def _remove_curves(action: bpy.types.Action, slot: int) -> None:
    known, curves = our_curves(action, slot), versions.slot_curves(action, slot)
    for curve in [c for c in curves if (c.data_path, c.array_index) in known]:
        curves.remove(curve)


def character_of(skin: bpy.types.Object | None) -> Character | None:
    """The face of an object, or None where it is none any more."""
    try:
        return find_character(skin, keyless=True)
    except UserError:
        return None


def is_used(take_id: str) -> bool:
    """Whether an action of a take is still in the file."""
    return any(action.get(TAKE) == take_id for action in bpy.data.actions)
