# SPDX-License-Identifier: GPL-3.0-or-later
"""The pairs of a character transfer as numbers: read, written, checked; where they stand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ..core.arrays import AnyArray, Doubles
from ..core.errors import UserError
from ..core.retarget.checking import Check, check, opened_share
from ..core.retarget.pairs import SurfacePoints
from ..core.retarget.picking import Spot, together
from ..core.retarget.setup_file import MAX_NAME, MeshNote, PairNote, Setup, SpotNote
from .joints import world
from .retarget_meshes import hash_of

DRIVER, TARGET = "driver", "target"
SIDES = (DRIVER, TARGET)


def mesh_of(transfer: Any, side: str) -> bpy.types.Object:
    """The object that a side's points are picked on: the OpenMouth mesh, or the target."""
    found: bpy.types.Object = transfer.open_mouth if side == DRIVER else transfer.target
    return found


# ---- single pairs --------------------------------------------------------------------------------


def spot_of(pair: Any, side: str) -> Spot:
    """A pair's point on one of the meshes."""
    corners = np.array(getattr(pair, f"{side}_corners"), np.int32)
    return Spot(corners, np.array(getattr(pair, f"{side}_shares"), np.float64))


def set_spot(pair: Any, side: str, spot: Spot) -> None:
    """Move a pair's point on one of the meshes."""
    setattr(pair, f"{side}_corners", [int(corner) for corner in spot.corners])
    setattr(pair, f"{side}_shares", [float(share) for share in spot.shares])


def add_pair(transfer: Any, name: str, driver: Spot, target: Spot) -> Any:
    """A new pair, which is the selected one."""
    pair = transfer.pairs.add()
    pair.name = name
    set_spot(pair, DRIVER, driver)
    set_spot(pair, TARGET, target)
    select(transfer, [len(transfer.pairs) - 1])
    return pair


def remove_pairs(transfer: Any, places: Iterable[int]) -> int:
    """Take pairs away; how many there were."""
    gone = sorted(set(places), reverse=True)
    for place in gone:
        transfer.pairs.remove(place)
    if gone:
        transfer.active_pair = max(0, min(transfer.active_pair, len(transfer.pairs) - 1))
    if not transfer.pairs:
        transfer.driver_hash = transfer.target_hash = ""
    return len(gone)


def selected(transfer: Any) -> list[int]:
    """Places of the selected pairs."""
    return [place for place, pair in enumerate(transfer.pairs) if pair.select]


def select(transfer: Any, places: Iterable[int], active: int | None = None) -> None:
    """Select these pairs and no others; the last of them is the active one unless another is."""
    wanted = list(places)
    for place, pair in enumerate(transfer.pairs):
        if pair.select != (place in wanted):
            pair.select = place in wanted
    if active is None and wanted:
        active = wanted[-1]
    if active is not None and transfer.active_pair != active:
        transfer.active_pair = active


# ---- all of them ---------------------------------------------------------------------------------


def points_of(transfer: Any, side: str) -> SurfacePoints:
    """All points of one side, in the order of the list."""
    return together([spot_of(pair, side) for pair in transfer.pairs])


@dataclass(frozen=True, eq=False)
class Standing:
    """Points (K, 3) in the world with unit normals (K, 3), zero where the mesh has none;
    ``there`` (K,) is False where the mesh has lost the vertices."""

    points: Doubles
    normals: Doubles
    there: AnyArray


def standing(
    obj: bpy.types.Object, points: SurfacePoints, matrix: AnyArray | None = None
) -> Standing:
    """Where points of a mesh are now, at rest, in the world, or where they would be with another
    matrix. Reads no more than their vertices."""
    mesh: Any = obj.data
    there: AnyArray = np.all(points.corners < len(mesh.vertices), axis=1)
    corners = np.where(there[:, None], points.corners, 0)
    used, places = np.unique(corners, return_inverse=True)
    if not len(mesh.vertices) or not len(used):
        nothing = np.zeros((len(points), 3))
        return Standing(nothing, nothing, np.zeros(len(points), bool))
    rest = mesh.shape_keys.reference_key.points if mesh.shape_keys else mesh.vertices
    chosen = used.tolist()
    places = places.reshape(corners.shape)
    found = np.array([rest[vertex].co for vertex in chosen], np.float64)
    facing = np.array([mesh.vertices[vertex].normal for vertex in chosen], np.float64)
    matrix = world(obj) if matrix is None else matrix
    spots = np.einsum("kc,kcd->kd", points.shares, found[places])
    normals = np.einsum("kc,kcd->kd", points.shares, facing[places])
    normals = normals @ _normal_matrix(matrix[:3, :3])
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    return Standing(
        spots @ matrix[:3, :3].T + matrix[:3, 3], normals / np.maximum(lengths, 1e-12), there
    )


def _normal_matrix(matrix: Doubles) -> Doubles:
    """What normals, as rows, are multiplied with: the inverse but for its scale, so that a flat
    object has some too."""
    x, y, z = matrix.T
    rows = np.stack([np.cross(y, z), np.cross(z, x), np.cross(x, y)])
    return rows if x @ rows[0] >= 0 else -rows


def checked(transfer: Any) -> Check:
    """How well the pairs agree, in the world's unit. The driver's mouth is as far open as fits."""
    names = [pair.name for pair in transfer.pairs]
    meshes = (transfer.driver, transfer.open_mouth, transfer.target)
    if not names or None in meshes:
        return check(np.zeros((0, 3)), np.zeros((0, 3)), (), 1.0)
    points, matrix = points_of(transfer, DRIVER), world(transfer.driver)
    neutral, opened = (standing(obj, points, matrix) for obj in meshes[:2])
    goal = standing(transfer.target, points_of(transfer, TARGET))
    there = neutral.there & opened.there & goal.there
    sets = [each.points[there] for each in (neutral, opened, goal)]
    source = sets[0] + opened_share(*sets) * (sets[1] - sets[0])
    found = check(
        source,
        sets[2],
        [name for name, here in zip(names, there, strict=True) if here],
        head_size(transfer, source, sets[2]),
    )
    residuals, bad, swapped = np.zeros(len(names)), ~there, np.zeros(len(names), bool)
    residuals[there], bad[there], swapped[there] = found.residuals, found.bad, found.swapped
    return Check(residuals, bad, swapped)


def head_size(transfer: Any, source: Doubles, goal: Doubles) -> float:
    """The diagonal of the driver as large as the target is: a target may be a whole body."""
    box = np.array(transfer.driver.bound_box, np.float64) @ world(transfer.driver)[:3, :3].T
    size = float(np.linalg.norm(np.ptp(box, axis=0)))
    if len(source) < 2:
        return size
    spread = [float(np.linalg.norm(points - points.mean(axis=0))) for points in (source, goal)]
    return size * spread[1] / spread[0] if spread[0] > 0 else size


# ---- topologies and setups -----------------------------------------------------------------------


def note_of(obj: bpy.types.Object) -> MeshNote:
    """A mesh as setups know it."""
    return MeshNote(obj.name, hash_of(obj), len(obj.data.vertices))


def hashes_of(transfer: Any) -> dict[str, str]:
    """The topologies of driver and target, by side. Slow on large meshes: not for drawing."""
    return {side: hash_of(getattr(transfer, side)) for side in SIDES}


def changed_sides(transfer: Any, hashes: Mapping[str, str]) -> list[str]:
    """The sides whose mesh is no longer the one that the pairs were picked on."""
    known = {side: getattr(transfer, f"{side}_hash") for side in SIDES if len(transfer.pairs)}
    return [side for side, own in known.items() if own and own != hashes[side]]


def check_topologies(transfer: Any) -> None:
    """Note the topologies that the pairs are picked on. Raises UserError where there are pairs of
    others, or where the OpenMouth mesh is not the driver's."""
    hashes = hashes_of(transfer)
    if hash_of(transfer.open_mouth) != hashes[DRIVER]:
        raise UserError(
            f"'{transfer.open_mouth.name}' has another topology than the driver "
            f"'{transfer.driver.name}'.",
            "Choose the driver's own mesh with its mouth open.",
        )
    for side in changed_sides(transfer, hashes):
        raise UserError(
            f"The {side} is another mesh than the pairs were picked on.",
            f"Choose that {side} again, load a setup for this one, or delete the pairs.",
        )
    for side, own in hashes.items():
        if getattr(transfer, f"{side}_hash") != own:
            setattr(transfer, f"{side}_hash", own)


def setup_of(transfer: Any, name: str) -> Setup:
    """The pairs and settings of a transfer, to be saved. Raises UserError (`check_topologies`)."""
    check_topologies(transfer)
    return Setup(
        name=name,
        driver=note_of(transfer.driver),
        target=note_of(transfer.target),
        pairs=tuple(_notes(transfer)),
        iterations=transfer.iterations,
        stiffness=float(f"{transfer.stiffness:.7g}"),
        smooth_level=transfer.smooth_level,
    )


def _notes(transfer: Any) -> Iterator[PairNote]:
    for place, pair in enumerate(transfer.pairs, 1):
        yield PairNote(
            pair.name[:MAX_NAME].strip() or f"Point {place}",
            *(_spot_note(spot_of(pair, side)) for side in SIDES),
        )


def _spot_note(spot: Spot) -> SpotNote:
    tidy = SurfacePoints.of(spot.corners, spot.shares)
    a, b, c = (int(corner) for corner in tidy.corners[0])
    x, y, z = (float(share) for share in tidy.shares[0])
    return SpotNote((a, b, c), (x, y, z))


def apply_setup(transfer: Any, setup: Setup, where: str) -> None:
    """Give a transfer the pairs and settings of a setup. Raises UserError where it is for other
    meshes; then nothing is changed."""
    driver, target = note_of(transfer.driver), note_of(transfer.target)
    setup.check_fits(driver, target, where)
    transfer.pairs.clear()
    for pair in setup.pairs:
        item = transfer.pairs.add()
        item.name = pair.name
        for side, spot in ((DRIVER, pair.driver), (TARGET, pair.target)):
            set_spot(item, side, Spot(np.array(spot.corners), np.array(spot.shares)))
    transfer.active_pair = 0
    transfer.driver_hash, transfer.target_hash = driver.topology, target.topology
    transfer.iterations, transfer.stiffness = setup.iterations, setup.stiffness
    transfer.smooth_level = setup.smooth_level


def replace_pairs(
    transfer: Any, names: Sequence[str], driver: SurfacePoints, target: SurfacePoints
) -> None:
    """Give a transfer pairs (K); those that it has of the same names go. Raises UserError."""
    check_topologies(transfer)
    known = transfer.driver_hash, transfer.target_hash
    remove_pairs(transfer, [at for at, pair in enumerate(transfer.pairs) if pair.name in names])
    for place, name in enumerate(names):
        pair = transfer.pairs.add()
        pair.name = name
        for side, points in ((DRIVER, driver), (TARGET, target)):
            set_spot(pair, side, Spot(points.corners[place], points.shares[place]))
    transfer.driver_hash, transfer.target_hash = known
