# SPDX-License-Identifier: GPL-3.0-or-later
"""Blend shape generation: all shapes of the target, part by part.

| part | shapes |
|---|---|
| skin | the driver's, by the wrap on the fitted mesh, smoothed |
| lower teeth | the four jaw shapes, rigidly |
| upper teeth | none |
| eyes | their own four look shapes each, rigidly about their centres |
| tongue | the driver's tongue's, and the four jaw shapes |
| follower (lashes, brows, beard) | the driver's, by the wrap, not smoothed |

Shapes of the tongue are relative to the jaw, so tongue and jaw shapes add up. A shape key is a
line: turns are exact at weights 0 and 1 and slightly short between (see `rigid`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..arrays import AnyArray, Doubles
from ..watch import Watch
from .binding import Binding, bind
from .mending import mended
from .mesh import Corners, Mesh
from .names import (
    EYE_LEFT,
    EYE_RIGHT,
    FOLLOWER,
    KINDS,
    LOWER_TEETH,
    OPENINGS,
    SKIN,
    TONGUE,
    UPPER_TEETH,
)
from .pairs import Similarity
from .rigid import JAW, look_motions, moves_of, sphere
from .smoothing import DEFAULT, Smoothing
from .strands import rooted
from .tongue import Tongue, tongue_moves
from .wrap import wrapped

# What the loose parts of a mesh (`islands`) are here; others go with the skin
KIND_OF_ISLAND = {
    "eye_left": EYE_LEFT,
    "eye_right": EYE_RIGHT,
    "upper_denture": UPPER_TEETH,
    "lower_denture": LOWER_TEETH,
    "tongue": TONGUE,
    "lashes": FOLLOWER,
    "brows": FOLLOWER,
}
_SIDES = {EYE_LEFT: "Left", EYE_RIGHT: "Right"}
_FEWEST_TORN = 3
BLINKS = ("eyeBlinkLeft", "eyeBlinkRight")


@dataclass(frozen=True, eq=False)
class Source:
    """What drives the target, all in the target's space.

    `fitted` and its displacements `moves` (E, V, 3) named `names` (see `transfer`); `spared` (V,)
    weights of the smoothing (see `contacts.spared`). `jaw` are motions (4, 4) of the lower denture
    per jaw shape (see `rigid.jaw_motions`) and `over` what the lower face's similarity is; `axes`
    (3, 3) the character's left, up and front as columns. `tongue` is the driver's, or None.
    """

    fitted: Mesh
    names: tuple[str, ...]
    moves: Doubles
    spared: Doubles
    jaw: Mapping[str, Doubles]
    over: Similarity
    axes: Doubles
    tongue: Tongue | None = None


@dataclass(frozen=True, eq=False)
class Piece:
    """Some vertices (K,) of a mesh, and what they are: one of `KINDS`. An eye's parts are one."""

    kind: str
    vertices: Corners


@dataclass(frozen=True, eq=False)
class Shapes:
    """Displacements `moves` (S, N, 3) of a mesh for the shapes `names`, and sentences for the user.

    Shapes that move nothing of the mesh are kept only where the mesh has skin.
    """

    names: tuple[str, ...]
    moves: Doubles
    notices: tuple[str, ...] = ()


def telling(names: Sequence[str], moves: AnyArray) -> Doubles:
    """What tells the sheets of a fitted mesh apart for `bind`, (2, V, 3): the mouth's opening and
    the lids' closing, of displacements (E, V, 3)."""
    found = {name: np.asarray(moves[row]) for row, name in enumerate(names)}
    nothing = np.zeros(np.asarray(moves).shape[1:])
    lids = sum((found.get(name, nothing) for name in BLINKS), nothing)
    opening = next((found[name] for name in OPENINGS if name in found), nothing)
    return np.stack([opening, lids])


def generate(
    source: Source,
    target: Mesh,
    pieces: Sequence[Piece] = (),
    level: float = DEFAULT,
    binding: Binding | None = None,
    watch: Watch | None = None,
) -> Shapes:
    """All shapes of one mesh of the target, at weight 1.

    Vertices in no piece are skin. `binding` is that of the skin's vertices in their order, if it
    is known already. Raises ValueError for a kind that does not exist.
    """
    watch = watch or Watch()
    wrong = [piece.kind for piece in pieces if piece.kind not in KINDS]
    if wrong:
        raise ValueError(f"{wrong[0]} is no kind of part")
    skin = np.ones(len(target.points), bool)
    for piece in pieces:
        skin[piece.vertices] = piece.kind == SKIN
    names = _names(source, pieces)
    moves = np.zeros((len(names), *target.points.shape))
    notices: tuple[str, ...] = ()
    own = len(source.names)
    if skin.any():
        there = np.flatnonzero(skin)
        moves[:own, there], notices = skin_moves(
            source, _part(target, there), level, binding, watch
        )
    for piece in pieces:
        if piece.kind != SKIN:
            moves[:, piece.vertices] = _piece_moves(source, target, piece, names, watch)
    kept = _kept(names, moves, source.names if skin.any() else ())
    watch.tell(1.0, "Generate blend shapes")
    return Shapes(tuple(np.array(names)[kept].tolist()), moves[kept], notices)


def _names(source: Source, pieces: Sequence[Piece]) -> tuple[str, ...]:
    """Every name that a shape may have, the driver's first."""
    names = [*source.names, *(source.tongue.names if source.tongue is not None else ())]
    names += source.jaw
    for kind, side in _SIDES.items():
        if any(piece.kind == kind for piece in pieces):
            names += look_motions(side, np.zeros(3), source.axes)
    return tuple(dict.fromkeys(names))


def skin_moves(
    source: Source, skin: Mesh, level: float, binding: Binding | None, watch: Watch
) -> tuple[Doubles, tuple[str, ...]]:
    """Displacements (E, N, 3) of the target's skin, and sentences for the user."""
    if binding is None:
        binding = bind(source.fitted, telling(source.names, source.moves), skin, watch)
    watch.tell(0.3, "Generate blend shapes")
    moves = wrap_moves(source, skin, binding)
    watch.tell(0.6, "Smooth the blend shapes")
    weights = np.einsum("nc,nc->n", binding.shares, source.spared[binding.corners])
    flat = np.ascontiguousarray(moves.transpose(1, 0, 2)).reshape(len(skin.points), -1)
    flat = Smoothing(skin, level, weights)(flat)
    notices = sealed(binding)
    if notices:
        flat = mended(skin, binding.torn, flat)
    return flat.reshape(len(skin.points), -1, 3).transpose(1, 0, 2), notices


def sealed(binding: Binding) -> tuple[str, ...]:
    """Sentences for the user about lips or lids that are one surface; of a binding with `telling`.

    The live wrap shows a crease there; generated shapes give way smoothly (see `mending`).
    """
    torn = np.bincount(binding.torn_in, minlength=len(_ONE_SURFACE)) >= _FEWEST_TORN
    return tuple(text for text, one in zip(_ONE_SURFACE, torn, strict=False) if one)


_ONE_SURFACE = (
    "The target's lips are one surface, so its mouth cannot open. Cut it open between the lips and "
    "give it an inside, or move the inner lips' pairs to where they touch, then begin again.",
    "The target's lids are one surface, so its eyes cannot close well. Cut them open between the "
    "lids, or move the pairs of the lids onto their edges, then begin again.",
)


def wrap_moves(source: Source, mesh: Mesh, binding: Binding) -> Doubles:
    """Displacements (E, N, 3) of a mesh bound to the fitted mesh, as the wrap makes them."""
    fitted = source.fitted
    wrap = wrapped(
        binding.feet, mesh.points, fitted.points, fitted.normals, weights=binding.weights
    )
    moves = np.empty((len(source.moves), *mesh.points.shape))
    for row, move in zip(moves, source.moves, strict=True):
        posed = fitted.moved_to(fitted.points + move)
        row[:] = wrap.moves(posed.points, posed.normals)
    return moves


def _piece_moves(
    source: Source, target: Mesh, piece: Piece, names: Sequence[str], watch: Watch
) -> Doubles:
    """Displacements (S, K, 3) of one piece that is no skin."""
    points = target.points[piece.vertices]
    if piece.kind == LOWER_TEETH:
        return moves_of(points, source.jaw, names)
    if piece.kind in _SIDES:
        return moves_of(
            points, look_motions(_SIDES[piece.kind], _centre(points), source.axes), names
        )
    moves = np.zeros((len(names), *points.shape))
    part = _part(target, piece.vertices)
    if piece.kind == TONGUE:
        moves += moves_of(
            points, {name: source.jaw[name] for name in JAW if name in source.jaw}, names
        )
        if source.tongue is not None:
            own = tongue_moves(source.tongue, source.over, part)
            for name, move in zip(source.tongue.names, own, strict=True):
                moves[names.index(name)] += move
    elif piece.kind == FOLLOWER:
        binding = bind(source.fitted, telling(source.names, source.moves), part, watch)
        binding = rooted(binding, part, source.fitted.diagonal)
        moves[: len(source.names)] = wrap_moves(source, part, binding)
    return moves


def _centre(points: Doubles) -> Doubles:
    return sphere(points)[0] if len(points) >= 4 else points.mean(axis=0)


def _part(target: Mesh, vertices: AnyArray) -> Mesh:
    """The mesh of some vertices (K,), in their order, and the triangles between them."""
    place = np.full(len(target.points), -1, np.int32)
    place[vertices] = np.arange(len(vertices), dtype=np.int32)
    corners = place[target.triangles]
    return Mesh.of(target.points[vertices], corners[(corners >= 0).all(axis=1)])


def _kept(names: Sequence[str], moves: Doubles, always: Sequence[str]) -> AnyArray:
    moving = np.array([bool(move.any()) for move in moves], bool)
    wanted = set(always)
    return np.flatnonzero(moving | np.array([name in wanted for name in names], bool))
