# SPDX-License-Identifier: GPL-3.0-or-later
"""The weights of a blend shape conversion as an action on the shape keys.

The action is built aside, in steps, and put in place by one step at the end. An action of the same
conversion is replaced, with what an artist added to it going on; takes and an artist's own actions
are kept in the file.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ..core.arrays import AnyArray, Floats
from ..core.take_label import TAKE
from . import versions
from .actions import KEYS_PER_STEP
from .conversion_meshes import driven_paths
from .curves import copy_curve, write_curve
from .frames import Look
from .placing import check_assignable
from .references import Reference, reference
from .take_marks import CURVES, foreign_curves

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


def bake_steps(target: Reference, baked: Baked) -> Generator[float, None, list[str]]:
    """Write it, yielding the share that is done; returns notices. Closing the generator before its
    end leaves everything as it was. Raises UserError, SceneChanged."""
    keys = _keys(target)
    check_assignable(keys)
    owner = reference(keys)
    paths = _ranges(keys, baked.names)
    del keys
    action = versions.new_action(baked.action_name, "KEY")
    known = reference(action)
    slot = versions.add_slot(action, "KEY", owner.name)
    del action
    placed = False
    per_step, column = max(1, KEYS_PER_STEP // max(1, len(baked.frames))), 0
    try:
        for column, (place, (path, low, high)) in enumerate(paths.items()):
            curves = versions.slot_curves(known.get(), slot)
            values = np.clip(baked.weights[:, place], low, high)
            write_curve(curves, path, 0, baked.frames, values)
            if column % per_step == 0:
                yield column / len(paths)
        ids = [(path, 0) for path, _low, _high in paths.values()]
        _mark(known.get(), slot, ids, baked)
        notices = _put_in_place(owner.get(), known.get(), slot, baked.conversion_id)
        placed = True
    finally:
        found = known.find()
        if not placed and found is not None:
            bpy.data.actions.remove(found)
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


def _mark(action: Any, slot: int, ids: list[tuple[str, int]], baked: Baked) -> None:
    action[CONVERSION] = baked.conversion_id
    action[CURVES] = json.dumps({str(slot): sorted(ids)})
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
