# SPDX-License-Identifier: GPL-3.0-or-later
"""What no file keeps while pairs are picked: two looks side by side, and what is due.

The looks cover a viewport and are drawn by its panel. Nothing of the scene is hidden, shown, moved
or selected for them, so nothing has to be put back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import bpy
import numpy as np

from ..core.arrays import AnyArray, Doubles
from ..core.retarget.landmarks import NAMES
from ..core.retarget.pairs import similarity
from ..core.retarget.picking import Seen, Spot
from ..core.retarget.snapping import snapped
from ..core.retarget.views import View, side
from ..core.strip import Rect, free_box
from ..properties.ids import find, free_name
from ..scene.correspondence_picking import Pickable, hints_for, pickable
from ..scene.correspondences import DRIVER, SIDES, TARGET, mesh_of, points_of

GAP = 2.0  # pixels between the two looks
SNAP_PX, HOT_PX = 14.0, 11.0  # at a scale of 1
FEWEST_ALIGNED = 4  # pairs by which the target is turned as the driver is
WIDE = 0.2  # how far from a line pairs have to be for that, as a share of its length
FACING = 0.05  # cosine above which a point is on the side that is seen
CLOSE_SHARE = 0.18  # of a mesh: what a framed pair is shown with


@dataclass
class Pane:
    """One of the two looks. ``turn`` (3, 3): the mesh's right, back and up as columns."""

    side: str
    shape: Pickable
    view: View
    turn: Doubles
    yaw: float = 0.0
    pitch: float = 0.0
    version: int = 0
    _seen: Seen | None = None

    @property
    def seen(self) -> Seen:
        """The mesh under the present look; worked out anew when either changes."""
        if self._seen is None or self._seen.view != self.view or self._seen.mesh is not self.mesh:
            self._seen = Seen.of(self.mesh, self.view)
        return self._seen

    @property
    def mesh(self) -> Any:
        return self.shape.mesh

    def look(self, yaw: float, pitch: float) -> None:
        """Look from a side; radians."""
        self.yaw, self.pitch = yaw, min(max(pitch, -math.pi / 2), math.pi / 2)
        self.view = self.view.looking(side(self.yaw, self.pitch) @ self.turn.T)

    def renew(self, shape: Pickable) -> None:
        """Take the mesh as it is now."""
        self.shape = shape
        self.version += 1

    def spot_at(self, x: float, y: float, snap_px: float) -> Spot | None:
        """The point under a pixel, drawn to what lies within ``snap_px``; None beside the mesh."""
        spot = self.seen.hit(x, y)
        if spot is None or snap_px <= 0:
            return spot
        return snapped(self.seen, spot, x, y, snap_px, self.shape.marked)

    def places(self, corners: AnyArray, shares: AnyArray) -> tuple[Doubles, AnyArray]:
        """Pixels (K, 2) of points, and whether each is on the side that is seen (K,)."""
        corners = np.minimum(corners, len(self.mesh.points) - 1)
        points = np.einsum("kc,kcd->kd", shares, self.mesh.points[corners])
        normals = np.einsum("kc,kcd->kd", shares, self.mesh.normals[corners])
        lengths = np.maximum(np.linalg.norm(normals, axis=1), 1e-12)
        return self.view.seen(points)[:, :2], normals @ self.view.axes[2] / lengths > FACING


class Drag(NamedTuple):
    """A point on its way, and where it was."""

    side: str
    place: int
    before: Spot


@dataclass
class Session:
    """What is picked on, and how far it is. ``area`` and ``region`` are addresses of Blender's:
    the objects themselves may be gone."""

    running: bool = False
    transfer_id: str = ""
    mode: str = "ADD"
    area: int = 0
    region: int = 0
    panes: dict[str, Pane] = field(default_factory=dict)
    hints: dict[str, Spot] = field(default_factory=dict)
    pending: Spot | None = None
    name: str = ""
    drag: Drag | None = None
    over: str = ""
    pointer: tuple[float, float] = (0.0, 0.0)
    preview: Spot | None = None
    hot: int = -1
    said: str = ""
    stale: bool = False

    @property
    def due(self) -> str:
        """The side that the next point belongs to; empty while nothing is added."""
        if self.mode != "ADD":
            return ""
        return DRIVER if self.pending is None else TARGET

    @property
    def hint(self) -> Spot | None:
        """Where the point that is due lies on the driver, where that is known."""
        return self.hints.get(self.name) if self.mode == "ADD" else None

    def pane_at(self, x: float, y: float) -> Pane | None:
        """The look that a pixel of the region belongs to."""
        return next((pane for pane in self.panes.values() if pane.view.box.holds(x, y)), None)


@dataclass
class SceneNow:
    """``revision`` is another one after each change of the scene."""

    revision: int = 0


SESSION = Session()
SCENE = SceneNow()


def transfer_of(context: bpy.types.Context) -> Any:
    """The transfer whose pairs are picked; None when it has gone."""
    chosen: Any = context.scene.facewright
    return find(chosen.transfers, SESSION.transfer_id)


def begin(context: bpy.types.Context, transfer: Any, mode: str, area: Any, region: Any) -> None:
    """Make both looks. Raises UserError for meshes that cannot be picked on."""
    shapes = {name: pickable(mesh_of(transfer, name)) for name in SIDES}
    fresh = Session(running=True, transfer_id=transfer.id, mode=mode)
    fresh.area, fresh.region = area.as_pointer(), region.as_pointer()
    fresh.hints = hints_for(transfer.driver)
    empty = View(Rect(0, 0, 100, 100), (0.0, 0.0, 0.0), tuple(map(tuple, np.eye(3))), 1.0)
    for name, shape in shapes.items():
        fresh.panes[name] = Pane(name, shape, empty, shape.front if name == DRIVER else np.eye(3))
    vars(SESSION).update(vars(fresh))
    arrange(context.preferences, area, region)
    frame_all(transfer)
    choose_name(transfer)


def forget() -> None:
    """Back to what it is while nothing is picked."""
    vars(SESSION).update(vars(Session()))


def refresh(transfer: Any) -> None:
    """Take the meshes as they are now. Raises UserError for those that cannot be picked on."""
    for name, pane in SESSION.panes.items():
        pane.renew(pickable(mesh_of(transfer, name)))
    SESSION.stale = False


# ---- layout and looks ----------------------------------------------------------------------------


def arrange(preferences: Any, area: Any, region: Any) -> None:
    """Lay both looks side by side into what the viewport's other regions leave free."""
    others = [each for each in area.regions if each.type not in {"WINDOW", "HUD"}]
    box = free_box(_rect(region), [_rect(each) for each in others])
    gap = GAP * preferences.system.ui_scale
    width = max((box.width - gap) / 2, 16.0)
    height = max(box.height, 16.0)
    boxes = (Rect(box.x, box.y, width, height), Rect(box.x + width + gap, box.y, width, height))
    for pane, place in zip(SESSION.panes.values(), boxes, strict=True):
        if pane.view.box != place:
            pane.view = pane.view.placed(place)


def _rect(region: Any) -> Rect:
    return Rect(region.x, region.y, region.width, region.height)


def frame_all(transfer: Any) -> None:
    """Both meshes from the front, the target turned as its pairs say."""
    driver, target = SESSION.panes[DRIVER], SESSION.panes[TARGET]
    sets = {name: points_of(transfer, name) for name in SIDES}
    enough = len(transfer.pairs) >= FEWEST_ALIGNED
    enough = enough and all(_fits(sets[name].corners, SESSION.panes[name]) for name in SIDES)
    if enough:
        points = [sets[name].on(SESSION.panes[name].mesh.points) for name in SIDES]
        if _is_wide(points[0]):
            target.turn = similarity(*points).turn @ driver.turn
    for name, pane in SESSION.panes.items():
        pane.look(0.0, 0.0)
        mesh = pane.mesh
        whole = mesh.points[np.unique(mesh.triangles)]
        pane.view = pane.view.framed(whole, mesh.diagonal * 1e-3 or 1.0)
        if enough:
            around = _around(sets[name].on(mesh.points))
            pane.view = pane.view.framed(around, mesh.diagonal * 1e-3 or 1.0)


def _is_wide(points: Doubles) -> bool:
    """Whether points do not lie on a line, about which anything could turn."""
    spread = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    return bool(spread[1] > WIDE * spread[0])


def _fits(corners: AnyArray, pane: Pane) -> bool:
    return bool((corners < len(pane.mesh.points)).all())


def _around(points: Doubles) -> Doubles:
    """Points with some room: a head is larger than what is picked on its face."""
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    return np.asarray(middle + (points - middle) * 1.6)


def frame_pairs(transfer: Any, places: list[int]) -> None:
    """Bring pairs to the middle of both looks, from where they are seen best."""
    if not places:
        frame_all(transfer)
        return
    looks = (0.0, 0.0)  # the driver's: both are seen from the same side
    for name, pane in SESSION.panes.items():
        points = points_of(transfer, name)
        if not _fits(points.corners, pane):
            continue
        spots = points.on(pane.mesh.points)[places]
        normals = points.on(pane.mesh.normals)[places].mean(axis=0) @ pane.turn
        if np.linalg.norm(normals) > 0.1 and len(places) == 1:
            yaw = math.atan2(normals[0], -normals[1])
            pane.look(yaw * 0.8, math.atan2(normals[2], math.hypot(*normals[:2])) * 0.5)
            looks = (pane.yaw, pane.pitch) if name == DRIVER else looks
            pane.look(*looks)
        pane.view = pane.view.framed(spots, _size(pane, points.on(pane.mesh.points)) * CLOSE_SHARE)


def _size(pane: Pane, spots: Doubles) -> float:
    """About the size of the face: of what is picked on it, where that is enough to tell."""
    if len(spots) >= FEWEST_ALIGNED:
        return float(np.ptp(spots, axis=0).max()) * 1.6
    return float(np.ptp(pane.mesh.points[np.unique(pane.mesh.triangles)], axis=0).max())


def turn(pane: Pane, yaw: float, pitch: float, alone: bool = False) -> None:
    """Go round both meshes alike; ``alone``: turn one of them against the other, for a target
    that faces elsewhere."""
    if not alone:
        for each in SESSION.panes.values():
            each.look(each.yaw + yaw, each.pitch + pitch)
        return
    seen = side(pane.yaw, pane.pitch)
    pane.turn = (seen.T @ side(pane.yaw + yaw, pane.pitch + pitch) @ pane.turn.T).T
    pane.look(pane.yaw, pane.pitch)


# ---- names ---------------------------------------------------------------------------------------


def missing_names(transfer: Any) -> list[str]:
    """The recommended names that no pair has, in their order."""
    there = {pair.name for pair in transfer.pairs}
    return [name for name in NAMES if name not in there]


def choose_name(transfer: Any, step: int = 0) -> None:
    """Offer the next missing name, or one ``step`` further on."""
    names = missing_names(transfer)
    if not names:
        SESSION.name = free_name(transfer.pairs, "Point")
        return
    if SESSION.name in names:
        SESSION.name = names[(names.index(SESSION.name) + step) % len(names)]
        return
    # The one that follows in the list, not the first that was skipped
    before = NAMES.index(SESSION.name) if SESSION.name in NAMES else -1
    later = [name for name in names if NAMES.index(name) > before]
    SESSION.name = (later or names)[0]


# ---- pointer -------------------------------------------------------------------------------------


def point_at(context: Any, transfer: Any, x: float, y: float, turned_round: bool) -> None:
    """Note what lies below the pointer: the look, the point, a pair. ``turned_round``: Ctrl."""
    SESSION.pointer = (x, y)
    pane = SESSION.pane_at(x, y)
    SESSION.over = pane.side if pane else ""
    SESSION.hot, SESSION.preview = -1, None
    if pane is None:
        return
    scale = context.preferences.system.ui_scale
    snaps = transfer.pick_snapped != turned_round
    SESSION.preview = pane.spot_at(x, y, SNAP_PX * scale if snaps else 0.0)
    SESSION.hot = pair_at(transfer, pane, x, y, HOT_PX * scale)


def pair_at(transfer: Any, pane: Pane, x: float, y: float, radius: float) -> int:
    """Place of the pair below a pixel, one that is seen before one behind; -1 for none."""
    if not len(transfer.pairs) or not transfer.show_points:
        return -1
    points = points_of(transfer, pane.side)
    pixels, front = pane.places(points.corners, points.shares)
    away = np.linalg.norm(pixels - [x, y], axis=1) + np.where(front, 0.0, radius / 2)
    best = int(away.argmin())
    return best if away[best] <= radius else -1
