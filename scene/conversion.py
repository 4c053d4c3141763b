# SPDX-License-Identifier: GPL-3.0-or-later
"""The weights of a blend shape conversion as an action on the shape keys, and actions on what goes
with them.

They are built aside, in steps, and put in place by one step at the end. An action of the same
conversion is replaced, with what an artist added to it going on; takes and an artist's own actions
are kept in the file.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ..core.arrays import AnyArray, Floats
from ..core.take_label import TAKE
from . import versions
from .actions import KEYS_PER_STEP
from .channels import Channels
from .conversion_meshes import driven_paths
from .curves import copy_curve, write_curve
from .frames import Look, keep_rest
from .placing import check_assignable
from .references import Reference, reference
from .take_marks import BESIDE, CURVES, foreign_curves

CONVERSION = "facewright_conversion"  # on an action: the id of what has baked it
RESIDUALS, FIRST, STEP = "facewright_residuals", "facewright_first", "facewright_step"


@dataclass(frozen=True)
class Baked:
    """What is written: weights (T, P) of ``names`` at ``frames`` (T,) of the scene, one every
    ``step`` frames, and how far the poses stay from the input there, in the scene's unit."""

    conversion_id: str
    action_name: str
    names: tuple[str, ...]
    weights: Floats
    frames: AnyArray
    step: float
    residuals: AnyArray


def bake_steps(
    target: Reference, baked: Baked, parts: Sequence[Channels] = ()
) -> Generator[float, None, list[str]]:
    """Write it, and what goes with it; yields the share that is done, returns notices. Closing the
    generator before its end leaves everything as it was. Raises UserError, SceneChanged."""
    keys = _keys(target)
    check_assignable(keys)
    columns = [_own_channels(keys, baked), *(each for each in parts if each.curves)]
    del keys
    made: list[_Made] = []
    placed = False
    try:
        for number, channels in enumerate(columns):
            made.append(_begun(channels, baked.action_name))
            filling = _fill(made[-1], baked)
            yield from ((number + share) / len(columns) for share in filling)
        _mark_residuals(made[0].action.get(), baked)
        for each in made[1:]:
            each.action.get()[BESIDE] = True
        notices = _place_all(made, baked.conversion_id, baked.action_name)
        placed = True
    finally:
        for each in () if placed else made:
            found = each.action.find()
            if found is not None:
                bpy.data.actions.remove(found)
    return notices


@dataclass(frozen=True)
class _Made:
    """An action that is built aside, for one data-block."""

    channels: Channels
    action: Reference
    slot: int


def _own_channels(keys: Any, baked: Baked) -> Channels:
    curves = {
        (path, 0): np.clip(baked.weights[:, place], low, high)
        for place, (path, low, high) in _ranges(keys, baked.names).items()
    }
    return Channels(reference(keys), "KEY", curves)


def _begun(channels: Channels, name: str) -> _Made:
    owner = channels.owner.get()
    check_assignable(owner)
    action = versions.new_action(name, channels.id_type)
    return _Made(
        channels, reference(action), versions.add_slot(action, channels.id_type, owner.name)
    )


def _fill(made: _Made, baked: Baked) -> Generator[float, None, None]:
    curves, count = made.channels.curves, len(baked.frames)
    per_step = max(1, KEYS_PER_STEP // max(1, count))
    for column, ((path, index), values) in enumerate(curves.items()):
        own = versions.slot_curves(made.action.get(), made.slot)
        write_curve(own, path, index, baked.frames, values)
        if column % per_step == 0:
            yield column / len(curves)
    action = made.action.get()
    action[CONVERSION] = baked.conversion_id
    action[CURVES] = json.dumps({str(made.slot): sorted(curves)})


def _place_all(made: list[_Made], conversion_id: str, name: str) -> list[str]:
    owners = [each.channels.owner.get() for each in made]
    for owner in owners:
        check_assignable(owner)
    notices: list[str] = []
    for each, owner in zip(made, owners, strict=True):
        keep_rest(owner, each.channels)
        notices += _put_in_place(owner, each.action.get(), each.slot, conversion_id)
    for each in made:
        each.action.get().name = name  # free now, where a former bake had it
    return notices


def _keys(target: Reference) -> Any:
    from .references import SceneChanged

    keys = target.get().data.shape_keys
    if keys is None:
        raise SceneChanged(f"Stopped: '{target.name}' has no shape keys any more.")
    return keys


def _ranges(keys: Any, names: tuple[str, ...]) -> dict[int, tuple[str, float, float]]:
    """Data path and limits of the slider by the place of each name that can be keyed."""
    driven = driven_paths(keys)
    found = {}
    for place, name in enumerate(names):
        block = keys.key_blocks.get(name)
        if block is None or block.mute or block.path_from_id("value") in driven:
            continue
        found[place] = (block.path_from_id("value"), block.slider_min, block.slider_max)
    return found


def _mark_residuals(action: Any, baked: Baked) -> None:
    action[RESIDUALS] = [float(value) for value in baked.residuals]
    action[FIRST], action[STEP] = float(baked.frames[0]), float(baked.step)


def _put_in_place(owner: Any, action: Any, slot: int, conversion_id: str) -> list[str]:
    check_assignable(owner)
    data = owner.animation_data
    before = data.action if data is not None else None
    was = versions.assigned_slot(data) if data is not None else 0
    ours = before is not None and before.get(CONVERSION) == conversion_id
    if ours:
        curves = versions.slot_curves(action, slot)
        known = {(curve.data_path, curve.array_index) for curve in curves}
        for curve in foreign_curves(before, was):
            if (curve.data_path, curve.array_index) not in known:
                copy_curve(curve, curves)
    versions.assign_action(owner, action, slot)
    if before is None:
        return []
    if ours:
        if before.users == 0:
            bpy.data.actions.remove(before)
        return []
    before.use_fake_user = True
    if BESIDE in before or (BESIDE in action and TAKE in before):
        return []
    what = "The take" if TAKE in before else "Your action"
    return [f"{what} '{before.name}' was kept; the conversion has its own action."]


def look_of_keys(target: Any, names: tuple[str, ...]) -> Look:
    """What the shape keys of these names show now."""
    keys = target.data.shape_keys
    owner, paths = reference(keys), _ranges(keys, names).values()
    return Look(
        tuple((owner, path, 0, float(keys.path_resolve(path))) for path, _low, _high in paths)
    )


def show_weights(target: Any, names: tuple[str, ...], weights: AnyArray) -> None:
    """Let the shape keys show weights (P,) of these names, without keyframes."""
    keys = target.data.shape_keys
    for place, (path, low, high) in _ranges(keys, names).items():
        block = keys.path_resolve(path.rpartition(".")[0])
        block.value = min(max(float(weights[place]), low), high)
    keys.update_tag()


def residual_at(target: Any, conversion_id: str, frame: float) -> float | None:
    """How far the shape keys stay from the input at a frame, by the action that animates them; None
    where a conversion has not baked it, or not that frame."""
    keys: Any = target.data.shape_keys if target is not None else None
    data = keys.animation_data if keys is not None else None
    action = data.action if data is not None else None
    if action is None or action.get(CONVERSION) != conversion_id:
        return None
    values, step = action.get(RESIDUALS, ()), action.get(STEP, 1.0)
    if not isinstance(step, (int, float)) or not step > 0:
        return None
    place = round((frame - action.get(FIRST, 0.0)) / step)
    return float(values[place]) if 0 <= place < len(values) else None


def mark_frames(scene: bpy.types.Scene, marks: Iterable[tuple[int, str]]) -> None:
    """Put markers on the time line, with a text at each frame."""
    for frame, text in marks:
        scene.timeline_markers.new(text, frame=frame)


def unmark_frames(scene: bpy.types.Scene, marks: Iterable[tuple[int, str]]) -> None:
    """Take such markers away, unless they were moved or renamed: then they are the user's."""
    markers: Any = scene.timeline_markers
    for frame, text in marks:
        found = next((m for m in markers if m.name == text and m.frame == frame), None)
        if found is not None:
            markers.remove(found)
