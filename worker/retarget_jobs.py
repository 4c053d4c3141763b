# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs of character transfer: "suggest", "fit", "transfer", "bind", "shapes".

All positions are in one space, the world's. Numbers of vertices are those of the mesh that an
array belongs to; triangles are (F, 3) int32, wound outwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.arrays import AnyArray, Doubles
from ..core.errors import UserError
from ..core.retarget.mesh import Mesh
from ..core.retarget.pairs import SurfacePoints
from ..core.watch import Watch
from . import arguments
from .calls import Call, Reply
from .messages import Arrays, Fields

if TYPE_CHECKING:
    from ..core.retarget.binding import Binding

PATIENCE_S = 120.0  # for a factorisation of a large mesh, which cannot tell how far it is


def suggest(call: Call) -> Reply:
    """{names} and arrays driver_points, driver_triangles, open_points, target_points,
    target_triangles, driver_corners (K, 3), driver_shares (K, 3), up (3,), front (3,) -> {names},
    target_corners, target_shares, confidence (K,): where the driver's landmarks lie on the target.
    """
    from ..core.retarget.suggest import suggest as suggested

    where = "suggest"
    found = suggested(
        _mesh(call, "driver", where),
        _points(call, "open_points", where),
        _names(call, where),
        _surface_points(call, "driver", where),
        _mesh(call, "target", where),
        _watch(call),
    )
    result: Fields = {"names": list(found.names)}
    return result, {
        "target_corners": found.target.corners,
        "target_shares": found.target.shares,
        "confidence": found.confidence,
    }


def fit(call: Call) -> Reply:
    """{iterations, stiffness} and arrays driver_points, driver_triangles, open_points,
    target_points, target_triangles, and the pairs as driver_corners, driver_shares,
    target_corners, target_shares (K, 3) -> {opening, notices}, fitted (V, 3), residuals (K,)."""
    from ..core.retarget.fitting import FitSettings
    from ..core.retarget.fitting import fit as fitted

    where = "fit"
    arguments.only(call.args, ("iterations", "stiffness"), where)
    settings = FitSettings(
        iterations=_number(call, "iterations", 3, where),
        stiffness=float(_number(call, "stiffness", 100.0, where)),
    )
    found = fitted(
        _mesh(call, "driver", where),
        _points(call, "open_points", where),
        _mesh(call, "target", where),
        _surface_points(call, "driver", where),
        _surface_points(call, "target", where),
        settings,
        _watch(call),
    )
    result: Fields = {"opening": float(found.opening), "notices": list(found.notices)}
    return result, {"fitted": found.points, "residuals": found.residuals}


def transfer(call: Call) -> Reply:
    """{names} and arrays driver_points, driver_triangles, fitted_points (V, 3), moves (E, V, 3) ->
    moves (E, V, 3) float32: the driver's expressions on the fitted mesh."""
    from ..core.retarget.transfer import transfer as transferred

    where = "transfer"
    driver = _mesh(call, "driver", where)
    moves = transferred(
        driver,
        _moves(call, "moves", len(driver.points), where),
        _points(call, "fitted_points", where),
        _names(call, where),
        _watch(call),
    )
    return {}, {"moves": np.asarray(moves, np.float32)}


def bind(call: Call) -> Reply:
    """Arrays fitted_points, fitted_triangles, open_moves (V, 3), target_points, target_triangles ->
    corners (N, 3), shares (N, 3), distances (N,), weights (N,), smooth (N,): where each vertex of
    the target is held on the fitted mesh."""
    from ..core.retarget.binding import bind as bound

    where = "bind"
    binding = bound(
        _mesh(call, "fitted", where),
        _points(call, "open_moves", where),
        _mesh(call, "target", where),
        _watch(call),
    )
    return {}, _binding_arrays(binding)


def _binding_arrays(binding: Binding) -> Arrays:
    raise NotImplementedError


# ---- what jobs are given


def _watch(call: Call) -> Watch:
    def tell(share: float, text: str) -> None:
        call.progress(share, text, PATIENCE_S)

    return Watch(tell, call.cancelled)


def _mesh(call: Call, name: str, where: str) -> Mesh:
    points = _points(call, f"{name}_points", where)
    triangles = _array(call, f"{name}_triangles", "i", where, None, 3)
    if len(triangles) and not 0 <= triangles.min() <= triangles.max() < len(points):
        raise UserError(f"Triangles of {name!r} of {where} have vertices that are not there.")
    return Mesh.of(points, triangles)


def _points(call: Call, name: str, where: str) -> Doubles:
    return np.asarray(_array(call, name, "f", where, None, 3), np.float64)


def _moves(call: Call, name: str, count: int, where: str) -> Doubles:
    return np.asarray(_array(call, name, "f", where, None, count, 3), np.float64)


def _surface_points(call: Call, name: str, where: str) -> SurfacePoints:
    corners = _array(call, f"{name}_corners", "i", where, None, 3)
    shares = _array(call, f"{name}_shares", "f", where, len(corners), 3)
    count = len(_points(call, f"{name}_points", where))
    if len(corners) and not 0 <= corners.min() <= corners.max() < count:
        raise UserError(f"Pairs of {where} lie on vertices that {name!r} does not have.")
    return SurfacePoints.of(corners, shares)


def _array(call: Call, name: str, kinds: str, where: str, *shape: int | None) -> AnyArray:
    found = arguments.array(call.arrays, name, kinds, where, *shape)
    if found is None:
        raise UserError(f"{where} is not given its array {name!r}.")
    return found


def _names(call: Call, where: str) -> tuple[str, ...]:
    names: Any = call.args.get("names")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise UserError(f"'names' of {where} must be a list of texts.")
    return tuple(names)


def _number(call: Call, name: str, usual: float, where: str) -> Any:
    found = arguments.number(call.args, name, where)
    return usual if found is None else type(usual)(found)
