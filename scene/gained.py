# SPDX-License-Identifier: GPL-3.0-or-later
"""Gains on what Blender's own exporters write: for as long as they write, the shape keys play
what they showed, with the gains, from actions that are taken away again."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ..core.exchange.gains import Gains
from . import versions
from .characters import ShapedMesh
from .curves import write_curve
from .parts import Parts
from .placing import check_assignable
from .references import Reference, reference
from .spans import span_of, visit

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Gained:
    """What keys are to play: values (T,) by name of a key, by the data-block of its keys."""

    frames: Array
    values: dict[Reference, dict[str, Array]]


def gained_steps(
    scene: bpy.types.Scene, parts: Parts, gains: Gains, first: int, last: int
) -> Generator[float, None, Gained]:
    """Read a face's keys over the scene's frames, yielding the share that is done, and change them
    as the gains of their poses say; keys that mean no pose have gains by their own names."""
    span = span_of(scene, first, last)
    meshes = [reference(mesh.key) for mesh in parts.character(driven=True).meshes]
    rows: dict[Reference, list[Array]] = {key: [] for key in meshes}
    moments = visit(scene, span)
    del scene
    try:
        for place in moments:
            for key, values in rows.items():
                blocks = key.get().key_blocks
                found = np.empty(len(blocks), np.float32)
                blocks.foreach_get("value", found)
                values.append(found)
            yield (place + 1) / span.count
    finally:
        moments.close()
    changed = {
        reference(mesh.key): _changed(mesh, np.stack(rows[reference(mesh.key)]), gains)
        for mesh in parts.character(driven=True).meshes
    }
    return Gained(span.frames, changed)


def _changed(mesh: ShapedMesh, table: Array, gains: Gains) -> dict[str, Array]:
    """Values (T,) of the keys, each with the mean gain of the poses that drive it."""
    sources = mesh.found.sources()
    result = {}
    for place, block in enumerate(mesh.key.key_blocks):
        if block == mesh.key.reference_key:
            continue
        poses = sources.get(block.name, (block.name,))
        result[block.name] = np.mean(
            [gains.weights([pose], table[:, [place]])[:, 0] for pose in poses], axis=0
        )
    return result


@contextmanager
def playing(gained: Gained | None) -> Iterator[None]:
    """Let the keys play that, then put everything back; None changes nothing."""
    before: list[_Before] = []
    try:
        if gained is not None:
            for key, values in gained.values.items():
                before.append(_Before(key.get()))
                before[-1].play(gained.frames, values)
        yield
    finally:
        for each in reversed(before):
            each.restore()


class _Before:
    """How shape keys were animated, and what plays instead."""

    def __init__(self, key: Any) -> None:
        check_assignable(key)
        self._key = key
        data = key.animation_data
        self._had_data = data is not None
        data = data or key.animation_data_create()
        self._action, self._slot = data.action, versions.assigned_slot(data)
        self._use_nla = data.use_nla
        self._drivers = [(curve, curve.mute) for curve in data.drivers]
        self._ranges = [(b, b.slider_min, b.slider_max, b.value) for b in key.key_blocks]
        self._made: bpy.types.Action | None = None

    def play(self, frames: Array, values: dict[str, Array]) -> None:
        key, data = self._key, self._key.animation_data
        self._made = versions.new_action(f"{key.name} Gains", "KEY")
        slot = versions.add_slot(self._made, "KEY", key.name)
        curves = versions.slot_curves(self._made, slot)
        for curve, _mute in self._drivers:
            curve.mute = True
        for name, column in values.items():
            block = key.key_blocks[name]
            # Blender keeps a value within the limits of its slider
            block.slider_min = min(block.slider_min, float(column.min()) - 1e-3)
            block.slider_max = max(block.slider_max, float(column.max()) + 1e-3)
            write_curve(curves, block.path_from_id("value"), 0, frames, column)
        data.use_nla = False
        versions.assign_action(key, self._made, slot)

    def restore(self) -> None:
        key, data = self._key, self._key.animation_data
        data.use_nla = self._use_nla
        versions.assign_action(key, self._action, self._slot)
        for curve, mute in self._drivers:
            curve.mute = mute
        for block, low, high, value in self._ranges:
            block.slider_min, block.slider_max = low, high
            block.value = value
        if not self._had_data:
            key.animation_data_clear()
        if self._made is not None:
            bpy.data.actions.remove(self._made)
