# SPDX-License-Identifier: GPL-3.0-or-later
"""The emotion timeline: ordinary F-curves of the scene on a pipeline's ten emotions.

The curves are in the scene's own action, so that the graph editor, the dope sheet and Blender's own
keys on a slider work on the same ones. A pipeline is known by its place in the scene's list, since
that is what the paths of its curves name: ``remap`` keeps them right when places change.
Frames are the scene's; two keys closer than ``SAME`` frames are one, as Blender has it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import bpy
import numpy as np

from ..core.errors import UserError
from ..core.parameters import EMOTION_NAMES
from . import versions
from .curves import Keys, copy_curve, linear_keys, put_keys, read_keys

SAME = 0.01  # frames
_PATH = re.compile(r"facewright\.pipelines\[(\d+)\]\.")

Array = np.ndarray[Any, Any]


# ---- looking ------------------------------------------------------------------------------------


def path_of(place: int, name: str = "") -> str:
    """Path, from the scene, of an emotion of the pipeline at a place; "" is the group of them."""
    return f"facewright.pipelines[{place}].emotion" + (f".{name}" if name else "")


def curves_of(scene: bpy.types.Scene, place: int) -> dict[str, Any]:
    """The curves of a pipeline by the name of the emotion; those that there are."""
    data = scene.animation_data
    if data is None or data.action is None:
        return {}
    curves: Any = versions.slot_curves(data.action, versions.assigned_slot(data))
    if not len(curves):
        return {}
    found = {name: curves.find(path_of(place, name)) for name in EMOTION_NAMES}
    return {name: curve for name, curve in found.items() if curve is not None}


def key_times(scene: bpy.types.Scene, place: int) -> Array:
    """Frames (K,) float64 at which any emotion of the pipeline has a key, in order."""
    curves = curves_of(scene, place).values()
    times = np.unique(np.concatenate([np.zeros(0), *(_frames(curve) for curve in curves)]))
    apart = np.diff(times, prepend=-np.inf) > SAME
    return times[apart]


def has_keys(scene: bpy.types.Scene, place: int) -> bool:
    """Whether the pipeline's emotion has any key."""
    return any(len(curve.keyframe_points) for curve in curves_of(scene, place).values())


def sample(
    scene: bpy.types.Scene, place: int, frames: Array, rest: Sequence[float] | None = None
) -> Array:
    """Strengths (T, 10) float32 at ``frames`` (T,), in the order of ``EMOTION_NAMES``.

    ``rest`` (10,) is what an emotion is that has no curve or a muted one; None is its slider.
    """
    curves = curves_of(scene, place)
    group = _group(scene, place)
    values = np.empty((len(frames), len(EMOTION_NAMES)), np.float32)
    for column, name in enumerate(EMOTION_NAMES):
        curve = curves.get(name)
        if curve is not None and not curve.mute and len(curve.keyframe_points):
            values[:, column] = [curve.evaluate(frame) for frame in np.asarray(frames, np.float64)]
        else:
            values[:, column] = getattr(group, name) if rest is None else rest[column]
    return np.clip(values, 0.0, 1.0)


def refusal(scene: bpy.types.Scene) -> str:
    """Why the scene's emotion keys cannot be edited, as one sentence; empty when they can."""
    data = scene.animation_data
    if scene.library is not None:
        return f"The scene '{scene.name}' is linked from another file"
    if data is not None and data.use_tweak_mode:
        return f"'{scene.name}' is in the tweak mode of the NLA editor; leave it with Tab first"
    if data is not None and data.action is not None and data.action.library is not None:
        return f"The scene's action '{data.action.name}' is linked from another file"
    return ""


# ---- editing ------------------------------------------------------------------------------------


def add_key(
    scene: bpy.types.Scene, place: int, frame: float, values: Sequence[float] | Array
) -> None:
    """A key at ``frame`` for all ten emotions, ``values`` (10,) in their order.

    A key that is there gets the value and keeps its interpolation; new ones are linear.
    Raises UserError for a scene that cannot be edited, as all of these do.
    """
    for curve, value in zip(_ensured(scene, place), values, strict=True):
        keys = read_keys(curve)
        here = np.abs(keys["co"][:, 0] - frame) <= SAME
        if here.any():
            for part in ("handle_left", "handle_right"):
                keys[part][here, 1] += value - keys["co"][here, 1]
            keys["co"][here, 1] = value
        else:
            keys = _joined(keys, linear_keys(np.array([frame]), np.array([value])))
        put_keys(curve, keys)
    _done(scene, place)


def remove_key(scene: bpy.types.Scene, place: int, frame: float) -> None:
    """Take away the keys at ``frame``; a curve whose last key it was goes with it."""
    _keep(scene, place, lambda frames: np.abs(frames - frame) > SAME)


def clear_keys(scene: bpy.types.Scene, place: int) -> None:
    """Take away all keys; the sliders stay where they are."""
    _keep(scene, place, lambda frames: np.zeros(len(frames), bool))


def clear_strength(scene: bpy.types.Scene, place: int, name: str) -> None:
    """Set an emotion to 0 now and in every key; the keys and the other emotions stay."""
    _check(scene)
    setattr(_group(scene, place), name, 0.0)
    curve = curves_of(scene, place).get(name)
    if curve is not None:
        keys = read_keys(curve)
        for part in ("co", "handle_left", "handle_right"):
            keys[part][:, 1] = 0.0
        put_keys(curve, keys)
        _tag(scene)


def write_keys(
    scene: bpy.types.Scene, place: int, frames: Array, values: Array, first: float, last: float
) -> None:
    """Linear keys at ``frames`` (K,) from ``values`` (K, 10) instead of those in first..last.

    Keys before ``first`` and after ``last`` stay as they are.
    """
    for curve, column in zip(_ensured(scene, place), np.asarray(values).T, strict=True):
        keys = read_keys(curve)
        times = keys["co"][:, 0]
        stay = (times < first - SAME) | (times > last + SAME)
        put_keys(curve, _joined(_some(keys, stay), linear_keys(frames, column)))
    _done(scene, place)


def copy_keys(scene: bpy.types.Scene, source: int, target: int) -> None:
    """Give a pipeline copies of another one's emotion curves instead of its own."""
    curves = curves_of(scene, source)
    if not curves:
        return
    clear_keys(scene, target)
    bag = versions.ensure_bag(scene, _action_name(scene))
    for name, curve in curves.items():
        _into_group(bag, copy_curve(curve, bag.fcurves, path_of(target, name)), scene, target)
    _tag(scene)


def remap(scene: bpy.types.Scene, places: Callable[[int], int | None]) -> None:
    """Let curves and drivers on pipelines follow them to their new places.

    ``places`` says where the pipeline of a place is now; None is gone, and its curves with it.
    """
    data = scene.animation_data
    if data is None:
        return
    for curves in _all_curves(data):
        for curve in list(curves):
            found = _PATH.match(curve.data_path)
            if found is None:
                continue
            new = places(int(found[1]))
            if new is None:
                curves.remove(curve)
            else:
                rest = curve.data_path[found.end() :]
                curve.data_path = f"facewright.pipelines[{new}].{rest}"
    _tag(scene)


def close_gap(scene: bpy.types.Scene, removed: int) -> None:
    """``remap`` for a list from which the pipeline at one place was taken out."""
    remap(scene, lambda at: None if at == removed else at - (at > removed))


# ---- parts --------------------------------------------------------------------------------------


def _frames(curve: Any) -> Array:
    pairs = np.empty(len(curve.keyframe_points) * 2, np.float32)
    curve.keyframe_points.foreach_get("co", pairs)
    return pairs[::2].astype(np.float64)


def _group(scene: bpy.types.Scene, place: int) -> Any:
    return scene.path_resolve(path_of(place))


def _check(scene: bpy.types.Scene) -> None:
    reason = refusal(scene)
    if reason:
        raise UserError(f"{reason}.")


def _action_name(scene: bpy.types.Scene) -> str:
    return f"{scene.name} Emotion"


def _ensured(scene: bpy.types.Scene, place: int) -> list[Any]:
    """The ten curves in the order of ``EMOTION_NAMES``, made where they are missing."""
    _check(scene)
    bag = versions.ensure_bag(scene, _action_name(scene))
    for name in EMOTION_NAMES:
        if bag.fcurves.find(path_of(place, name)) is None:
            _into_group(bag, bag.fcurves.new(path_of(place, name)), scene, place)
    return [bag.fcurves.find(path_of(place, name)) for name in EMOTION_NAMES]


def _into_group(bag: Any, curve: Any, scene: bpy.types.Scene, place: int) -> None:
    name = f"Emotion {scene.path_resolve(f'facewright.pipelines[{place}].name')}"
    curve.group = bag.groups.get(name) or bag.groups.new(name)


def _joined(one: Keys, other: Keys) -> Keys:
    return {name: np.concatenate([values, other[name]]) for name, values in one.items()}


def _some(keys: Keys, stay: Array) -> Keys:
    return {name: values[stay] for name, values in keys.items()}


def _keep(scene: bpy.types.Scene, place: int, staying: Callable[[Array], Array]) -> None:
    _check(scene)
    changed = False
    for curve in curves_of(scene, place).values():
        keys = read_keys(curve)
        stay = staying(keys["co"][:, 0])
        if stay.all() and len(stay):
            continue
        changed = True
        if stay.any():
            put_keys(curve, _some(keys, stay))
        else:
            data: Any = scene.animation_data
            curves: Any = versions.slot_curves(data.action, versions.assigned_slot(data))
            curves.remove(curve)
    if changed:
        _done(scene, place)


def _done(scene: bpy.types.Scene, place: int) -> None:
    """Show at once what the curves say of the present frame."""
    row = sample(scene, place, np.array([scene.frame_current_final]))[0]
    group = _group(scene, place)
    for name in curves_of(scene, place):
        value = float(row[EMOTION_NAMES.index(name)])
        if getattr(group, name) != value:
            setattr(group, name, value)
    _tag(scene)


def _tag(scene: bpy.types.Scene) -> None:
    data = scene.animation_data
    if data is not None and data.action is not None:
        data.action.update_tag()
    scene.update_tag()


def _all_curves(data: bpy.types.AnimData) -> Iterator[Any]:
    """Collections of curves: the drivers', the own action's, those of strips of the NLA editor."""
    yield data.drivers
    users = [data, *(strip for track in data.nla_tracks for strip in track.strips)]
    # One action may be used by several of them
    used = {(user.action, versions.assigned_slot(user)) for user in users}
    for action, slot in used:
        if action is not None and action.library is None:
            yield versions.slot_curves(action, slot)
