# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole transfer without Blender, and what a user would see of its result."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from facewright.core.head import Head
from facewright.core.retarget.fitting import Fit, fit
from facewright.core.retarget.generate import KIND_OF_ISLAND, Piece, Source, generate
from facewright.core.retarget.islands import named_islands
from facewright.core.retarget.landmarks import NAMES, of_head
from facewright.core.retarget.mesh import Mesh, fans
from facewright.core.retarget.rigid import carried, hinged, lower_face, motion
from facewright.core.retarget.tongue import Tongue
from facewright.core.retarget.transfer import transfer
from numpy.typing import NDArray

from .hard import Target

Doubles = NDArray[np.float64]
Moves = dict[str, Doubles]

SEEN = ("jawOpen", "mouthClose", "eyeBlinkLeft", "eyeBlinkRight", "mouthSmileLeft",
        "mouthSmileRight", "mouthPucker")  # fmt: skip
PIXELS = 60  # across a mouth or an eye
KINDS = {"upper_denture": "upper_teeth", "lower_denture": "lower_teeth"}


@dataclass(frozen=True, eq=False)
class Result:
    """Displacements by name of a target's vertices, and what was told."""

    target: Target
    moves: Moves
    source: Source | None = None
    fit: Fit | None = None
    notices: tuple[str, ...] = ()

    def posed(self, **weights: float) -> Doubles:
        """The vertices with these shapes; a name without its side means both sides."""
        points = self.target.mesh.points.copy()
        for name, weight in weights.items():
            for each in [name] if name in self.moves else [f"{name}Left", f"{name}Right"]:
                points += weight * self.moves[each]
        return points

    def mouth(self, **weights: float) -> float:
        """Through how much one looks into the mouth from the front, in squares of its width."""
        ends = "Left mouth corner", "Right mouth corner"
        return _seen_through(self.target, self.posed(**weights), ends, 0.6, 0.2)

    def eye(self, side: str, **weights: float) -> float:
        """Through how much one looks into an eye's pocket, in squares of its width."""
        ends = f"{side} inner eye corner", f"{side} outer eye corner"
        return _seen_through(self.target, self.posed(**weights), ends, 0.7, 0.25)

    def stretch(self, **weights: float) -> float:
        """How many times as long as at rest the most stretched edge is; tiny edges aside."""
        edges = self.target.mesh.edges
        before, after = (
            np.linalg.norm(points[edges[:, 0]] - points[edges[:, 1]], axis=1)
            for points in (self.target.mesh.points, self.posed(**weights))
        )
        least = 0.2 * np.median(before)
        return float((np.maximum(after, least) / np.maximum(before, least)).max())

    def part(self, name: str) -> Moves:
        """Displacements of one of the target's parts."""
        assert self.source is not None
        mesh = self.target.parts[name]
        whole = Piece(KINDS.get(name, name), np.arange(len(mesh.points), dtype=np.int32))
        found = generate(self.source, mesh, [whole])
        return dict(zip(found.names, found.moves, strict=True))


class Chain:
    """The built-in head as driver."""

    def __init__(self, head: Head, names: Iterable[str] = SEEN) -> None:
        shapes = dict(zip(head.skin.shape_names, head.skin.shapes.astype(float), strict=True))
        self.head, self.names, self.shapes = head, tuple(names), shapes
        self.mesh = Mesh.of(head.skin.vertices, fans(head.skin.faces))
        self.moves = np.stack([shapes[name] for name in self.names])
        self.opened = self.mesh.points + 0.8 * shapes["jawOpen"]
        self.pairs = of_head(head).points

    def __call__(self, target: Target, level: float = 1.0) -> Result:
        """Fit, transfer, bind, generate."""
        fitted = fit(self.mesh, self.opened, target.mesh, self.pairs, target.pairs)
        source = self.source(fitted.points)
        found = generate(source, target.mesh, self.pieces(target, fitted.points), level)
        shapes = dict(zip(found.names, found.moves, strict=True))
        return Result(target, shapes, source, fitted, fitted.notices + found.notices)

    def source(self, fitted: Doubles) -> Source:
        """What shapes are generated from, of the fitted points (V, 3)."""
        moves = transfer(self.mesh, self.moves, fitted, self.names)
        over = lower_face(self.mesh.points, fitted, self.shapes["jawOpen"])
        jaw = {
            name: motion(each[0], each[1], self.head.jaw_pivot)
            for name, each in self.head.jaw_motions.items()
        }
        hinge = hinged(over, jaw["jawOpen"], fitted, moves[self.names.index("jawOpen")])
        return Source(
            self.mesh.moved_to(fitted),
            self.names,
            moves,
            np.ones(len(fitted)),
            {name: carried(each, hinge) for name, each in jaw.items()},
            over,
            over.turn,
            self.tongue(),
        )

    def tongue(self) -> Tongue:
        """The head's own."""
        part = self.head.parts["tongue"]
        mesh = Mesh.of(part.vertices, fans(part.faces))
        return Tongue(mesh, part.shape_names, part.shapes.astype(float), np.eye(3))

    def pieces(self, target: Target, fitted: Doubles) -> list[Piece]:
        """What of the target's mesh is no skin, as the worker's job "parts" finds it."""
        spots = dict(zip(NAMES, self.pairs.on(fitted), strict=True))
        found = named_islands(target.mesh, spots, target.pairs.corners[:, 0])
        named = {
            kind: found.vertices(name).astype(np.int32) for name, kind in KIND_OF_ISLAND.items()
        }
        return [Piece(kind, vertices) for kind, vertices in named.items() if len(vertices)]

    def own(self) -> Result:
        """What the driver itself looks like."""
        moves = dict(zip(self.names, self.moves, strict=True))
        return Result(Target(self.mesh, self.pairs), moves)


def _seen_through(
    target: Target, points: Doubles, ends: tuple[str, str], height: float, behind: float
) -> float:
    """Area before which nothing lies less than ``behind`` widths behind the line between two ends.

    Looked at from the front, in a window as wide as the ends are apart and ``height`` widths above
    and below them; in squares of that width."""
    rest, posed = (each / target.size @ target.upright.T for each in (target.mesh.points, points))
    a, b = sorted((target.at(end, rest) for end in ends), key=lambda point: float(point[0]))
    width = b[0] - a[0]
    low = np.array([a[0], min(a[1], b[1]) - height * width])
    high = np.array([b[0], max(a[1], b[1]) + height * width])
    nearest = _depths(posed[target.mesh.triangles], low, high, width / PIXELS)
    share = (np.arange(len(nearest)) + 0.5) / len(nearest)
    line = a[2] + share * (b[2] - a[2]) - behind * width
    return float((nearest < line[:, None]).sum() / PIXELS**2)


def _depths(corners: Doubles, low: Doubles, high: Doubles, pixel: float) -> Doubles:
    """The largest z of triangles (F, 3, 3) over each pixel between two corners (2,)."""
    size = np.ceil((high - low) / pixel).astype(int)
    found = np.full(size, -np.inf)
    flat = (corners[..., :2] - low) / pixel - 0.5
    least = np.maximum(np.ceil(flat.min(axis=1)).astype(int), 0)
    most = np.minimum(np.floor(flat.max(axis=1)).astype(int), size - 1)
    for at in np.flatnonzero((least <= most).all(axis=1)):
        x, y = np.ix_(*(np.arange(i, j + 1) for i, j in zip(least[at], most[at], strict=True)))
        a, b, c = flat[at]
        whole = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
        if whole == 0:
            continue
        second = ((x - a[0]) * (c[1] - a[1]) - (y - a[1]) * (c[0] - a[0])) / whole
        third = ((b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0])) / whole
        first = 1 - second - third
        inside = (first >= 0) & (second >= 0) & (third >= 0)
        z = first * corners[at, 0, 2] + second * corners[at, 1, 2] + third * corners[at, 2, 2]
        part = found[least[at, 0] : most[at, 0] + 1, least[at, 1] : most[at, 1] + 1]
        np.maximum(part, np.where(inside, z, -np.inf), out=part)
    return found
