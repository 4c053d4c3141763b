# SPDX-License-Identifier: GPL-3.0-or-later
"""The point caches that a face's job writes beside its take: the network's whole geometry."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ..core.arrays import AnyArray
from ..core.errors import UserError
from . import arguments
from .calls import Call
from .messages import Fields

if TYPE_CHECKING:
    from ..core.face.geometry import Mover, Region
    from ..core.models.model import Model
    from ..core.take import Take

SHARE = 0.4  # of a job that also writes geometry
REGIONS = ("skin", "tongue")
_KNOWN = ("path", "region", "names")


@dataclass(frozen=True)
class CacheOrder:
    """One file to write. ``names`` are those of a driver's shape keys where the mesh is the fitted
    one of a character transfer; ``number`` is that of its arrays."""

    path: Path
    region: Region
    names: tuple[str, ...] | None
    number: int


def cache_orders(call: Call, where: str) -> list[CacheOrder]:
    """Read "geometry", a list of {path, region: "skin" | "tongue", names}. Raises UserError.

    Number k of it has the array rest_k (V, 3), the mesh at rest in its own space. With "names" it
    is a fitted mesh, and there are driver_rest_k (V, 3) in the driver's space, driver_points_k,
    driver_triangles_k, moves_k (P, V, 3), fitted_points_k and fitted_moves_k in the world's, and
    to_world_k, to_fitted_k (3, 3) from the driver's space to the world's, from there to the fitted
    mesh's.
    """
    rows: Any = call.args.get("geometry", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UserError(f"'geometry' of {where} must be a list of tables.")
    return [_order(cast("Fields", row), number) for number, row in enumerate(rows)]


def _order(row: Fields, number: int) -> CacheOrder:
    where = "geometry"
    arguments.only(row, _KNOWN, where)
    path, region = arguments.full_path(row, "path", where), arguments.text(row, "region", where)
    if path is None or region not in REGIONS:
        raise UserError(f"'geometry' needs a path and a region, one of {', '.join(REGIONS)}.")
    names = arguments.texts(row, "names", where) if "names" in row else None
    return CacheOrder(Path(path), cast("Region", region), names, number)


def write_geometry(
    call: Call, orders: list[CacheOrder], take: Take, model: Model, progress: Callable[..., None]
) -> None:
    """Write all of them, or none. Raises UserError and Cancelled."""
    from ..core.face.geometry import write_caches
    from ..core.watch import Watch

    take.check_model(model)
    movers = {order.path: _mover(call, order, take, model) for order in orders}
    regions = [name for name in REGIONS if any(order.region == name for order in orders)]
    try:
        for at, region in enumerate(regions):
            own = {order.path: movers[order.path] for order in orders if order.region == region}
            part = _part(progress, at, len(regions))
            watch = Watch(part, call.cancelled)
            write_caches(take, model, cast("Region", region), own, watch)
    except BaseException:
        remove_caches(orders)
        raise


def remove_caches(orders: list[CacheOrder]) -> None:
    """Take the files away again."""
    for order in orders:
        with suppress(OSError):
            order.path.unlink()


def _part(progress: Callable[..., None], at: int, count: int) -> Callable[[float, str], None]:
    return lambda share, text: progress((at + share) / count, text)


def _mover(call: Call, order: CacheOrder, take: Take, model: Model) -> Mover:
    from ..core.face.geometry import lead_to, neutral_of, own_mover

    neutral = neutral_of(model, order.region)
    if order.names is None:
        return own_mover(model, order.region, _array(call, order, "rest", None, 3))
    from ..core.retarget.carrying import carrying_mover
    from ..core.retarget.mesh import Mesh

    count, poses = len(neutral), len(order.names)
    lead = lead_to(neutral, _array(call, order, "driver_rest", count, 3))
    driver = Mesh.of(
        _array(call, order, "driver_points", count, 3),
        _array(call, order, "driver_triangles", None, 3, kinds="i"),
    )
    return carrying_mover(
        _array(call, order, "to_world", 3, 3) @ lead,
        driver,
        order.names,
        _array(call, order, "moves", poses, count, 3),
        _array(call, order, "fitted_points", count, 3),
        _array(call, order, "fitted_moves", poses, count, 3),
        _array(call, order, "to_fitted", 3, 3),
        _array(call, order, "rest", count, 3),
        take.face,
    )


def _array(
    call: Call, order: CacheOrder, name: str, *shape: int | None, kinds: str = "f"
) -> AnyArray:
    """An array of an order. Raises UserError."""
    own = f"{name}_{order.number}"
    found = arguments.array(call.arrays, own, kinds, "geometry", *shape)
    if found is None:
        raise UserError(f"'geometry' is not given its array {own!r}.")
    if kinds == "f" and not np.isfinite(found).all():
        raise UserError(
            "The mesh has vertices without a finite position.", "Mend or delete those vertices."
        )
    return found
