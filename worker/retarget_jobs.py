# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs of character transfer: "suggest", "fit", "transfer", "bind", "parts", "shapes"; and
"follow" of blend shape conversion.

All positions are in one space, the world's. Numbers of vertices are those of the mesh that an
array belongs to; triangles are (F, 3) int32, wound outwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.arrays import AnyArray, Doubles
from ..core.errors import UserError
from ..core.retarget.mesh import Corners, Mesh
from ..core.retarget.names import JAW_OPEN
from ..core.retarget.pairs import SurfacePoints
from ..core.watch import Watch
from . import arguments
from .calls import Call, Reply
from .messages import Fields

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..core.retarget.tongue import Tongue

PATIENCE_S = 120.0  # for a factorisation of a large mesh, which cannot tell how far it is


def suggest(call: Call) -> Reply:
    """{names} and arrays driver_points, driver_triangles, target_points, target_triangles,
    driver_corners (K, 3), driver_shares (K, 3) -> {names}, target_corners, target_shares,
    confidence (K,): where the driver's landmarks lie on the target."""
    from ..core.retarget.landmarks import Landmarks
    from ..core.retarget.suggest import suggest as suggested

    where = "suggest"
    known = Landmarks(_names(call, where), _surface_points(call, "driver", where))
    found = suggested(
        _mesh(call, "driver", where), known, _mesh(call, "target", where), _watch(call)
    )
    return {"names": list(found.names)}, {
        "target_corners": found.points.corners,
        "target_shares": found.points.shares,
        "confidence": found.confidence,
    }


def fit(call: Call) -> Reply:
    """{iterations, stiffness, names} and arrays driver_points, driver_triangles, open_points,
    target_points, target_triangles, and the pairs of these names as driver_corners, driver_shares,
    target_corners, target_shares (K, 3) -> {opening, notices}, fitted (V, 3), residuals (K,)."""
    from ..core.retarget.fitting import FitSettings
    from ..core.retarget.fitting import fit as fitted

    where = "fit"
    arguments.only(call.args, ("iterations", "stiffness", "names"), where)
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
        _names(call, where),
    )
    result: Fields = {"opening": float(found.opening), "notices": list(found.notices)}
    return result, {"fitted": found.points, "residuals": found.residuals}


def transfer(call: Call) -> Reply:
    """{names} and arrays driver_points, driver_triangles, fitted_points (V, 3), moves (E, V, 3) ->
    moves (E, V, 3) float32: the driver's expressions on the fitted mesh."""
    from ..core.retarget.transfer import transfer as transferred

    where = "transfer"
    driver, names = _mesh(call, "driver", where), _names(call, where)
    moves = transferred(
        driver,
        _moves(call, "moves", names, len(driver.points), where),
        _points(call, "fitted_points", where),
        names,
        _watch(call),
    )
    return {}, {"moves": np.asarray(moves, np.float32)}


def bind(call: Call) -> Reply:
    """{names} and arrays fitted_points, fitted_triangles, moves (E, V, 3) on the fitted mesh,
    driver_points, driver_triangles, driver_moves (E, V, 3), target_points, target_triangles ->
    {notices}, corners (N, 3), shares (N, 3), weights (N,), smooth (N,): where each vertex of the
    target is held on the fitted mesh, how far it follows, and how much of the smoothing it takes.
    Vertices in the array rooted (K,) (brows, lashes, a beard) are held at their roots."""
    from ..core.retarget.binding import bind as bound
    from ..core.retarget.contacts import spared
    from ..core.retarget.generate import sealed, telling
    from ..core.retarget.strands import rooted

    where = "bind"
    fitted, driver = _mesh(call, "fitted", where), _mesh(call, "driver", where)
    names = _names(call, where)
    moves = _moves(call, "moves", names, len(fitted.points), where)
    target = _mesh(call, "target", where)
    found = bound(fitted, telling(names, moves), target, _watch(call))
    if "rooted" in call.arrays:
        strands = _vertices(call, "rooted", len(target.points), where)
        found = rooted(found, target, fitted.diagonal, strands)
    kept = spared(driver, _moves(call, "driver_moves", names, len(driver.points), where), names)
    return {"notices": list(sealed(found))}, {
        "corners": found.corners,
        "shares": found.shares,
        "weights": found.weights,
        "smooth": np.einsum("nc,nc->n", found.shares, kept[found.corners]),
    }


def follow(call: Call) -> Reply:
    """Arrays driver_points, driver_triangles, driver_moves (K, V, 3) of some frames of an animated
    mesh, target_points, target_triangles -> corners (N, 3), shares (N, 3), weights (N,): where each
    vertex of the target is held on the moving mesh, and how far it follows."""
    from ..core.retarget.apart import telling_frames
    from ..core.retarget.binding import bind as bound

    where = "follow"
    arguments.only(call.args, (), where)
    driver = _mesh(call, "driver", where)
    given = _array(call, "driver_moves", "f", where, None, len(driver.points), 3)
    if not np.isfinite(given).all():
        raise UserError(
            "The input mesh has vertices without a finite position at some frames.",
            "Mend its animation, or leave those frames out of the range.",
        )
    moves = np.asarray(given, np.float64)[list(telling_frames(given))]
    still = np.zeros((1, *driver.points.shape))
    found = bound(
        driver, moves if len(moves) else still, _mesh(call, "target", where), _watch(call)
    )
    return {}, {"corners": found.corners, "shares": found.shares, "weights": found.weights}


def parts(call: Call) -> Reply:
    """{names} and arrays target_points, target_triangles, spots (K, 3), where the face's known
    points of these names are, and picked (P,), vertices that pairs lie on -> {kinds} and arrays
    piece_0 (K,), piece_1, ...: which vertices of the target's own mesh are teeth, tongue, eyes,
    lashes or brows."""
    from ..core.retarget.generate import KIND_OF_ISLAND
    from ..core.retarget.islands import named_islands

    where = "parts"
    spots = dict(zip(_names(call, where), _points(call, "spots", where), strict=False))
    target = _mesh(call, "target", where)
    found = named_islands(target, spots, _vertices(call, "picked", len(target.points), where))
    pieces: dict[str, list[AnyArray]] = {}
    for island, kind in KIND_OF_ISLAND.items():
        vertices = found.vertices(island)
        if len(vertices):
            pieces.setdefault(kind, []).append(vertices)
    arrays = {
        f"piece_{place}": np.concatenate(each).astype(np.int32)
        for place, each in enumerate(pieces.values())
    }
    return {"kinds": list(pieces)}, arrays


def shapes(call: Call) -> Reply:
    """All shapes of one mesh of the target.

    What "bind" is given, and {kinds, smooth_level, jaw_names, tongue_names} with arrays piece_0
    (K,), ... the vertices of each of the kinds, axes (3, 3) the driver's left, up and front as
    columns, jaw_motions (J, 4, 4) the driver's lower teeth's; without them they are taken from the
    skin. tongue_points, tongue_triangles, tongue_moves (E, V, 3) are the driver's tongue, if any.
    -> {names, notices}, moves (E, N, 3) float32.
    """
    from ..core.retarget.contacts import spared
    from ..core.retarget.generate import Piece, Source, generate
    from ..core.retarget.rigid import carried, hinged, lower_face

    where = "shapes"
    fitted, driver = _mesh(call, "fitted", where), _mesh(call, "driver", where)
    names = _names(call, where)
    own = _moves(call, "driver_moves", names, len(driver.points), where)
    moves = _moves(call, "moves", names, len(fitted.points), where)
    opening = _opening(names, where)
    over = lower_face(driver.points, fitted.points, own[opening])
    jaw = dict(_jaw(call, driver, names, own, where))
    hinge = hinged(over, jaw[JAW_OPEN], fitted.points, moves[opening])
    axes = np.asarray(_array(call, "axes", "f", where, 3, 3), np.float64)
    source = Source(
        fitted=fitted,
        names=names,
        moves=moves,
        spared=spared(driver, own, names),
        jaw={name: carried(each, hinge) for name, each in jaw.items()},
        over=over,
        axes=over.turn @ axes,
        tongue=_tongue(call, axes, where),
    )
    target = _mesh(call, "target", where)
    pieces = [
        Piece(kind, _vertices(call, f"piece_{place}", len(target.points), where))
        for place, kind in enumerate(arguments.texts(call.args, "kinds", where))
    ]
    level = _number(call, "smooth_level", 1.0, where)
    found = generate(source, target, pieces, level, watch=_watch(call))
    result: Fields = {"names": list(found.names), "notices": list(found.notices)}
    return result, {"moves": np.asarray(found.moves, np.float32)}


def _jaw(
    call: Call, driver: Mesh, names: tuple[str, ...], own: Doubles, where: str
) -> Iterator[tuple[str, Doubles]]:
    """Motions (4, 4) of the driver's lower teeth per jaw shape."""
    from ..core.retarget.rigid import JAW, motion_of

    given = call.arrays.get("jaw_motions")
    known = arguments.texts(call.args, "jaw_names", where)
    if given is not None and JAW_OPEN in known:
        yield from zip(
            known, _array(call, "jaw_motions", "f", where, len(known), 4, 4), strict=True
        )
        return
    for name in JAW:
        if name in names:
            yield name, motion_of(driver.points, own[names.index(name)])


def _tongue(call: Call, axes: Doubles, where: str) -> Tongue | None:
    from ..core.retarget.tongue import Tongue

    names = arguments.texts(call.args, "tongue_names", where)
    if not names:
        return None
    mesh = _mesh(call, "tongue", where)
    return Tongue(mesh, names, _moves(call, "tongue_moves", names, len(mesh.points), where), axes)


def _opening(names: tuple[str, ...], where: str) -> int:
    if JAW_OPEN not in names:
        raise UserError("The driver has no shape 'jawOpen'.", "Choose a driver with ARKit's names.")
    return names.index(JAW_OPEN)


# ---- what jobs are given


def _watch(call: Call) -> Watch:
    def tell(share: float, text: str) -> None:
        call.progress(share, text, PATIENCE_S)

    return Watch(tell, call.cancelled)


def _mesh(call: Call, name: str, where: str) -> Mesh:
    from ..core.retarget.fitting_checks import check_finite

    points = _points(call, f"{name}_points", where)
    check_finite(points, name)
    triangles = _array(call, f"{name}_triangles", "i", where, None, 3)
    if len(triangles) and not 0 <= triangles.min() <= triangles.max() < len(points):
        raise UserError(f"Triangles of {name!r} of {where} have vertices that are not there.")
    return Mesh.of(points, triangles)


def _points(call: Call, name: str, where: str) -> Doubles:
    return np.asarray(_array(call, name, "f", where, None, 3), np.float64)


def _moves(call: Call, name: str, names: Sequence[str], count: int, where: str) -> Doubles:
    """Displacements of the shapes of these names, as they are sent: in their order."""
    found = np.asarray(_array(call, name, "f", where, len(names), count, 3), np.float64)
    bad = np.flatnonzero(~np.isfinite(found).all(axis=(1, 2)))
    if len(bad):
        raise UserError(
            f"The driver's shape '{names[bad[0]]}' has vertices without a finite position.",
            "Mend or delete that shape key.",
        )
    return found


def _vertices(call: Call, name: str, count: int, where: str) -> Corners:
    found = _array(call, name, "i", where, None)
    if len(found) and not 0 <= found.min() <= found.max() < count:
        raise UserError(f"The array {name!r} of {where} has vertices that are not there.")
    return np.asarray(found, np.int32)


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
    return arguments.texts(call.args, "names", where)


def _number(call: Call, name: str, usual: float, where: str) -> Any:
    found = arguments.number(call.args, name, where)
    return usual if found is None else type(usual)(found)
