# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written on an action of ours beside its curves: which take it is, which curves are the
take's, and which data-blocks it belongs to, so that it can be put on its face again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import bpy

from ..core.take_label import LABEL, LEAD, MODEL, SETTINGS, TAKE, VOICE, TakeLabel
from . import versions

CURVES = "facewright_curves"
TARGETS = "facewright_targets"
BESIDE = "facewright_beside"  # on actions of a conversion but the skin's: not worth a notice
ROTATIONS = ("QUATERNION", "XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX")

CurveId = tuple[str, int]


@dataclass(frozen=True)
class Turned:
    """The object itself or one ``bone`` of it that turns: its rotation mode and its rest (4 x 4,
    row by row).

    ``moves``: its location is keyed as well.
    """

    bone: str
    rotation_mode: str
    rest: tuple[float, ...]
    moves: bool


@dataclass(frozen=True)
class Target:
    """A data-block that a slot of our action animates, by its kind and name, and what turns."""

    slot: int
    id_type: str
    name: str
    turned: tuple[Turned, ...] = ()

    @property
    def bones(self) -> tuple[str, ...]:
        """What turns, by name; empty for the object itself."""
        return tuple(each.bone for each in self.turned)


def mark(
    action: bpy.types.Action,
    label: TakeLabel,
    curves: Mapping[int, Iterable[CurveId]],
    targets: Sequence[Target],
    lead: bool,
) -> None:
    """Write all of it. ``curves`` are the take's by slot."""
    action[TAKE] = label.take_id
    action[SETTINGS] = label.settings_hash
    action[VOICE] = label.voice
    action[MODEL] = label.model
    action[LABEL] = label.to_json()
    action[CURVES] = json.dumps({str(slot): sorted(ids) for slot, ids in curves.items()})
    action[TARGETS] = json.dumps([asdict(target) for target in targets])
    if lead:
        action[LEAD] = True


def unmark(action: bpy.types.Action) -> None:
    """The action is an artist's from now on."""
    for name in (TAKE, SETTINGS, VOICE, MODEL, LABEL, CURVES, TARGETS, LEAD):
        if name in action:
            del action[name]


def ours(owner: Any) -> bpy.types.Action | None:
    """The action of ours that animates a data-block."""
    data = owner.animation_data
    action = data.action if data else None
    return action if action is not None and TAKE in action else None


def targets_of(action: bpy.types.Action) -> list[Target]:
    """The data-blocks that a take animates; what is damaged is left out."""
    found: list[Target] = []
    with suppress(ValueError, TypeError, RecursionError):
        for row in json.loads(action.get(TARGETS, "[]")):
            with suppress(TypeError, ValueError, AttributeError, KeyError):
                turned = tuple(_turned(each) for each in row["turned"])
                found.append(
                    Target(int(row["slot"]), str(row["id_type"]), str(row["name"]), turned)
                )
    return found


def _turned(row: Any) -> Turned:
    rest = tuple(float(value) for value in row["rest"])
    mode = str(row["rotation_mode"])
    if len(rest) != 16 or mode not in ROTATIONS:
        raise ValueError("no pose")
    return Turned(str(row["bone"]), mode, rest, bool(row["moves"]))


def rest_of(owner: Any, bone: str) -> tuple[float, ...]:
    """How an object or bone stands at rest by the takes that animate it; empty when none says so.

    Blender does not save custom properties of library overrides, but it does save local actions.
    """
    data = owner.animation_data
    if data is None:
        return ()
    actions = [data.action, *(s.action for track in data.nla_tracks for s in track.strips)]
    for action in actions:
        if action is not None and TAKE in action:
            for target in targets_of(action):
                for each in target.turned if target.name == owner.name else ():
                    if each.bone == bone:
                        return each.rest
    return ()


def our_curves(action: bpy.types.Action, slot: int) -> set[CurveId]:
    """The curves of a slot that a take has written."""
    saved = json.loads(action.get(CURVES, "{}"))
    # Takes of before told those of all slots in one list.
    rows = saved.get(str(slot), []) if isinstance(saved, dict) else saved
    return {(path, index) for path, index in rows}


def foreign_curves(action: bpy.types.Action, slot: int) -> list[Any]:
    """The curves of a slot that no take has written."""
    known = our_curves(action, slot)
    curves = versions.slot_curves(action, slot)
    return [curve for curve in curves if (curve.data_path, curve.array_index) not in known]
