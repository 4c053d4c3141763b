# SPDX-License-Identifier: GPL-3.0-or-later
"""Pairs as panels draw them: in the scene, and in the two looks while they are picked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ..core.arrays import AnyArray, Doubles, Floats
from ..core.retarget.checking import Check
from ..core.retarget.pairs import SurfacePoints
from ..core.retarget.picking import Spot
from ..core.strip import Rect
from ..scene.correspondences import (
    DRIVER,
    SIDES,
    TARGET,
    Standing,
    checked,
    mesh_of,
    points_of,
    standing,
)
from ..scene.joints import world
from .correspondence_session import FACING, SCENE, SESSION, Pane
from .transfer_status import meshes_problem, shown_transfer

RING = 20  # corners of a drawn point


@dataclass(frozen=True, eq=False)
class Marks:
    """Pairs in pixels. For each side, by its name: ``pixels`` (K, 2) and ``front`` (K,), whether a
    point is on the side that is seen; ``there`` (K,) whether it is shown at all."""

    pixels: dict[str, Doubles]
    front: dict[str, AnyArray]
    there: dict[str, AnyArray]
    selected: AnyArray
    bad: AnyArray
    active: int
    names: tuple[str, ...]


class _Kept:
    """What is worked out again only when something of the scene has changed."""

    def __init__(self) -> None:
        self.check: tuple[Any, Any] = (None, None)
        self.stands: dict[str, tuple[Any, Standing]] = {}


_kept = _Kept()


def known_check(transfer: Any, points: Mapping[str, SurfacePoints] | None = None) -> Check:
    """`scene.correspondences.checked`, kept while the pairs and the scene are the same; ``points``
    are the pairs', by side, where they are known already."""
    sides = points or {side: points_of(transfer, side) for side in SIDES}
    names = tuple(pair.name for pair in transfer.pairs)
    key = (SCENE.revision, transfer.id, names, *(_bytes(sides[side]) for side in SIDES))
    if _kept.check[0] != key:
        _kept.check = (key, checked(transfer))
    found: Check = _kept.check[1]
    return found


def _stand(side: str, obj: Any, points: SurfacePoints) -> Standing:
    matrix = world(obj)
    key = (SCENE.revision, obj.name, matrix.tobytes(), _bytes(points))
    found = _kept.stands.get(side)
    if found is None or found[0] != key:
        found = _kept.stands[side] = (key, standing(obj, points, matrix))
    return found[1]


def _bytes(points: SurfacePoints) -> tuple[bytes, bytes]:
    return points.corners.tobytes(), points.shares.tobytes()


def marks_in_scene(context: bpy.types.Context) -> Marks | None:
    """The pairs of the shown transfer on its meshes, where those are visible in the viewport that
    is drawn just now; None where there is nothing to draw."""
    transfer = shown_transfer(context)
    if transfer is None or not len(transfer.pairs) or meshes_problem(transfer):
        return None
    if not (transfer.show_points or transfer.show_lines):
        return None
    view, region = context.region_data, context.region
    if view is None or region is None:
        return None
    shown = {side: _shown_mesh(context, transfer, side) for side in SIDES}
    if not any(shown.values()):
        return None
    matrix = np.array(view.perspective_matrix)
    viewer = np.array(view.view_matrix.inverted())
    pixels, front, there = {}, {}, {}
    points = {side: points_of(transfer, side) for side in SIDES}
    for side, obj in shown.items():
        stand = _stand(side, obj or mesh_of(transfer, side), points[side])
        clip = stand.points @ matrix[:3, :3].T + matrix[:3, 3]
        depth = stand.points @ matrix[3, :3] + matrix[3, 3]
        seen = depth > 1e-9
        half = np.array([region.width, region.height]) / 2
        pixels[side] = (clip[:, :2] / np.where(seen, depth, 1.0)[:, None] + 1.0) * half
        toward = viewer[:3, 3] - stand.points if view.is_perspective else viewer[:3, 2]
        front[side] = (stand.normals * toward).sum(axis=1) > 0
        there[side] = stand.there & seen & (obj is not None)
    return _marks(transfer, points, pixels, front, there)


def _shown_mesh(context: bpy.types.Context, transfer: Any, side: str) -> Any:
    """The visible mesh that a side's points are drawn on; None for none."""
    space: Any = context.space_data
    tries = (transfer.open_mouth, transfer.driver) if side == DRIVER else (transfer.target,)
    return next((obj for obj in tries if obj.visible_in_viewport_get(space)), None)


def marks_in_looks(transfer: Any) -> Marks:
    """The pairs in the two looks."""
    pixels, front, there = {}, {}, {}
    points = {side: points_of(transfer, side) for side in SIDES}
    for side, pane in SESSION.panes.items():
        own = points[side]
        pixels[side], front[side] = pane.places(own.corners, own.shares)
        box = pane.view.box
        x, y = pixels[side].T
        inside = (x >= box.x) & (x <= box.right) & (y >= box.y) & (y <= box.top)
        there[side] = inside & (own.corners < len(pane.mesh.points)).all(axis=1)
    return _marks(transfer, points, pixels, front, there)


def _marks(transfer: Any, points: Any, pixels: Any, front: Any, there: Any) -> Marks:
    return Marks(
        pixels,
        front,
        there,
        np.array([pair.select for pair in transfer.pairs], bool),
        known_check(transfer, points).bad,
        transfer.active_pair,
        tuple(pair.name for pair in transfer.pairs),
    )


Colour = tuple[float, float, float, float]


@dataclass(frozen=True)
class Colours:
    """Of pairs: usual, selected, active and bad ones. ``faint`` is the opacity of those behind."""

    usual: Colour
    selected: Colour
    active: Colour
    bad: Colour
    faint: float = 0.28


def tints(marks: Marks, side: str, colours: Colours) -> Floats:
    """A colour (K, 4) for each point of a side; points that are not there are clear."""
    found = np.tile(np.array(colours.usual, np.float32), (len(marks.names), 1))
    found[marks.bad] = colours.bad
    found[marks.selected & ~marks.bad] = colours.selected
    if 0 <= marks.active < len(found) and marks.selected[marks.active]:
        found[marks.active] = colours.bad if marks.bad[marks.active] else colours.active
    found[~marks.front[side], 3] *= colours.faint
    found[~marks.there[side], 3] = 0.0
    return found


def disc_arrays(marks: Marks, side: str, radius: float, colours: Floats) -> tuple[Floats, Floats]:
    """Corners and colours of a side's points as discs, those behind and clear ones first."""
    order = np.argsort(colours[:, 3] + marks.selected, kind="stable")
    order = order[colours[order, 3] > 0]
    return discs(marks.pixels[side][order], radius), np.repeat(colours[order], RING * 3, axis=0)


def line_arrays(marks: Marks, colours: Colours) -> tuple[Floats, Floats]:
    """Ends and colours of the lines between partners, both of which are there."""
    there = np.logical_and(*(marks.there[side] for side in SIDES))
    ends = np.stack([marks.pixels[side][there] for side in SIDES], axis=1)
    tint = np.tile(np.array(colours.usual, np.float32), (len(there), 1))
    tint[:, 3] = 0.22
    tint[marks.bad] = (*colours.bad[:3], 0.6)
    tint[marks.selected] = (*colours.selected[:3], 0.85)
    return ends.reshape(-1, 2).astype(np.float32), np.repeat(tint[there], 2, axis=0)


def discs(centres: AnyArray, radius: float) -> Floats:
    """Triangles (K * RING * 3, 2) of filled discs about pixels (K, 2)."""
    angles = np.linspace(0, 2 * np.pi, RING + 1)
    rim = radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    corners = np.zeros((RING, 3, 2))
    corners[:, 1], corners[:, 2] = rim[:-1], rim[1:]
    found = np.asarray(centres)[:, None, None, :] + corners
    return found.reshape(-1, 2).astype(np.float32)


def ring(centre: AnyArray, radius: float) -> list[tuple[float, float]]:
    """A circle's line."""
    angles = np.linspace(0, 2 * np.pi, 2 * RING + 1)
    x, y = centre
    return [(float(x + radius * np.cos(a)), float(y + radius * np.sin(a))) for a in angles]


def pixel_of(pane: Pane, spot: Spot) -> tuple[float, float]:
    """Where a point is seen in a look."""
    x, y, _ = pane.view.seen(spot.on(pane.mesh.points))
    return float(x), float(y)


def is_in_front(pane: Pane, spot: Spot) -> bool:
    """Whether a point is on the side that is seen."""
    return bool(spot.on(pane.mesh.normals) @ pane.view.axes[2] > FACING)


def loupe_of(pane: Pane, size: float, larger: float) -> Any:
    """The look through a loupe of so many pixels: the same, enlarged about the pointer."""
    x, y, _ = pane.view.seen(_below_pointer(pane))
    view = pane.view.zoomed(larger, x, y)
    box = Rect(x - size / 2, y - size / 2, size, size)
    centre = view.moved(view.box.x + view.box.width / 2 - x, view.box.y + view.box.height / 2 - y)
    return type(view)(box, centre.centre, view.turn, view.pixels)


def _below_pointer(pane: Pane) -> Doubles:
    x, y = SESSION.pointer
    box, view = pane.view.box, pane.view
    across = (x - box.x - box.width / 2) / view.pixels
    up = (y - box.y - box.height / 2) / view.pixels
    return np.asarray(np.array(view.centre) + across * view.axes[0] + up * view.axes[1])


def surface_arrays(pane: Pane) -> tuple[Floats, Floats, AnyArray]:
    """Vertices (V, 3), normals (V, 3) and triangles (F, 3) for the graphics card."""
    mesh = pane.mesh
    return mesh.points.astype(np.float32), mesh.normals.astype(np.float32), mesh.triangles


def reach_of(pane: Pane) -> float:
    """How far before and behind the centre of a look anything lies."""
    away = pane.mesh.points - np.array(pane.view.centre)
    return float(np.sqrt((away**2).sum(axis=1).max())) * 1.01 + 1e-9


def centre_of(transfer: Any) -> tuple[float, float, float] | None:
    """The middle of the selected points on the target in the world; None without any."""
    chosen = [place for place, pair in enumerate(transfer.pairs) if pair.select]
    if not chosen or transfer.target is None:
        return None
    x, y, z = standing(transfer.target, points_of(transfer, TARGET)).points[chosen].mean(axis=0)
    return float(x), float(y), float(z)
