# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the lips meet: measures the gap along the mouth and shifts the lips until it is right.

The gap is measured on the limit surface, which is what one sees, in columns from the middle of
the mouth to its corner. Both lips are polylines in a column; the signed gap is the least height
between them wherever one lies over the other: positive is an opening, negative an overlap.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .skin import Skin
from .topology import Floats, Ints, Limit, Mask

REST_GAP_CM = 0.012
_CORNER_COLUMN = 12
_LOWER_MIDDLE = 19
_LOOPS = ("skin", "rim", "outer", "edge", "inner", "deep", "deeper")
# Loops of the red of a lip, and those that can touch the other lip.
_RED, _CONTACT = slice(1, 6), slice(2, 6)
_SAMPLES = 64
_ROUNDS = 5
Shapes = dict[str, Floats]


@dataclass(frozen=True)
class Contact:
    """How a shape treats the lips: the upper lip's share of the work and the gap it should have.

    `gap` holds in the middle of the mouth, `corner_gap` at the corners. `partner` is a shape that
    is posed together with it; `only_part` removes overlaps but leaves openings alone.
    """

    upper_share: float = 0.5
    gap: float = REST_GAP_CM
    corner_gap: float = REST_GAP_CM
    partner: str | None = None
    only_part: bool = False


CONTACTS = {
    "mouthSmile": Contact(),
    "mouthFrown": Contact(),
    "mouthDimple": Contact(),
    "mouthStretch": Contact(),
    "mouthPress": Contact(gap=-0.01, corner_gap=-0.05),
    "mouthRollUpper": Contact(0.5, gap=0.04, corner_gap=-0.02),
    "mouthRollLower": Contact(0.4, gap=0.04, corner_gap=-0.02),
    "mouthShrugLower": Contact(0.7),
    "mouthPucker": Contact(),
    "cheekPuff": Contact(),
    "mouthClose": Contact(0.0, partner="jawOpen"),
    "mouthFunnel": Contact(only_part=True),
    "jawForward": Contact(0.3, only_part=True),
}

# Shapes that move the whole mouth to one side.
SIDEWAYS = {"mouth": Contact(), "jaw": Contact(0.3, only_part=True)}


@dataclass(frozen=True)
class Lips:
    """The lip columns of a skin: loops (7, 13) from the mid plane to the left corner."""

    skin: Skin
    limit: Limit
    upper: Ints
    lower: Ints

    @classmethod
    def of(cls, skin: Skin, limit: Limit) -> Lips:
        """Columns of the left half; the face is symmetric."""
        loops = [skin.loops[name] for name in _LOOPS]
        upper = np.array([loop[: _CORNER_COLUMN + 1] for loop in loops])
        lower = np.array([loop[_LOWER_MIDDLE : _CORNER_COLUMN - 1 : -1] for loop in loops])
        return cls(skin, limit, upper, lower)

    @cached_property
    def stations(self) -> Floats:
        """Shares of the way from the middle to the corner at which gaps are measured."""
        return np.linspace(0, 0.97, 14)

    def gaps(self, points: Floats) -> Floats:
        """Signed gap in cm per station, for cage points (V, 3)."""
        surface = self.limit(points)
        upper = _resample(surface[self.upper], self.stations)
        lower = _resample(surface[self.lower], self.stations)
        pairs = zip(upper.swapaxes(0, 1), lower.swapaxes(0, 1), strict=True)
        return np.array([_signed_gap(u, low) for u, low in pairs])

    @cached_property
    def _hats(self) -> Floats:
        """Share of each station in each vertex (V, stations), faded out beyond the corner."""
        edge = self.skin.points[self.upper[_LOOPS.index("edge")]]
        steps = np.linalg.norm(np.diff(edge, axis=0), axis=1)
        share = np.concatenate([[0], np.cumsum(steps)]) / steps.sum()
        x = np.abs(self.skin.points[:, 0])
        t = np.interp(x, np.maximum.accumulate(edge[:, 0]), share)
        places = np.interp(t, self.stations, np.arange(len(self.stations)))
        hats = np.clip(1 - np.abs(places[:, None] - np.arange(len(self.stations))), 0, None)
        beyond = np.clip((x - edge[:, 0].max()) / 0.7, 0, 1)
        return hats * (1 - _smoothstep(beyond))[:, None]

    @cached_property
    def _sides(self) -> tuple[Floats, Floats]:
        """How much each vertex (V,) goes with the upper and with the lower lip's red."""
        middle = np.interp(np.abs(self.skin.points[:, 0]), *self._line())
        above = self.skin.points[:, 1] > middle
        upper = self._fade_from(self.upper, self.lower, above)
        lower = self._fade_from(self.lower, self.upper, ~above)
        corners = self._both_halves(self.upper[:, -1:])
        upper[corners] = lower[corners] = 0
        return upper, lower

    def _fade_from(self, own: Ints, other: Ints, same_side: Mask) -> Floats:
        """1 on a lip's red, fading out over five rings, 0 on the other lip."""
        red = self._both_halves(own[_RED])
        fade = _smoothstep(np.clip(1 - self.skin.around.distance(red) / 5.0, 0, 1))
        fade[~(same_side | self._both_halves(own))] = 0
        fade[self._both_halves(other[_CONTACT, :-1])] = 0
        return fade

    def _both_halves(self, columns: Ints) -> Mask:
        """Mask (V,) of the given vertices and their mirror images."""
        mask = np.zeros(len(self.skin.points), dtype=bool)
        mask[columns] = True
        mask[self.skin.mirror[columns]] = True
        return mask

    def _line(self) -> tuple[Floats, Floats]:
        """x and y of the line between the lips."""
        upper = self.skin.points[self.upper[_LOOPS.index("edge")]]
        lower = self.skin.points[self.lower[_LOOPS.index("edge")]]
        low = np.interp(upper[:, 0], np.maximum.accumulate(lower[:, 0]), lower[:, 1])
        return np.maximum.accumulate(upper[:, 0]), (upper[:, 1] + low) / 2

    def shift(self, change: Floats, upper_share: float) -> Floats:
        """Displacements (V, 3) that open the gap by `change` (stations,) cm."""
        upper, lower = self._sides
        amount = self._hats @ change
        moves = np.zeros_like(self.skin.points)
        moves[:, 1] = amount * (upper_share * upper - (1 - upper_share) * lower)
        return moves

    def close(self, points: Floats, contact: Contact) -> Floats:
        """Displacements (V, 3) after which the gaps of `points` are the contact's."""
        moves = np.zeros_like(points)
        wanted = contact.gap + (contact.corner_gap - contact.gap) * _smoothstep(self.stations)
        for _ in range(_ROUNDS):
            change = wanted - self.gaps(points + moves)
            if contact.only_part:
                change = np.maximum(change, 0)
            change = np.convolve(np.pad(change, 1, mode="edge"), [0.25, 0.5, 0.25], "valid")
            moves += self.shift(change, contact.upper_share)
        return moves


def close_neutral(lips: Lips) -> Floats:
    """Displacements that close the neutral mouth."""
    return lips.close(lips.skin.points, Contact())


def fix_contacts(shapes: Shapes, lips: Lips, share_left: Floats) -> None:
    """Let the lips meet, without overlap, in every shape that keeps the mouth shut.

    `share_left` (V,) splits a correction between a left and a right shape.
    """
    for stem, contact in CONTACTS.items():
        sided = f"{stem}Left" in shapes
        names = [f"{stem}Left", f"{stem}Right"] if sided else [stem]
        together = names + ([contact.partner] if contact.partner else [])
        posed = lips.skin.points + np.sum([shapes[name] for name in together], axis=0)
        moves = lips.close(posed, contact)
        if sided:
            shapes[names[0]] = shapes[names[0]] + share_left[:, None] * moves
            shapes[names[1]] = shapes[names[1]] + (1 - share_left)[:, None] * moves
        else:
            shapes[stem] = shapes[stem] + moves
    for stem, contact in SIDEWAYS.items():
        # Gaps are measured on the left half; the right half of one is the left half of the other.
        names = [f"{stem}Left", f"{stem}Right"]
        near, far = (lips.close(lips.skin.points + shapes[name], contact) for name in names)
        share = share_left[:, None]
        shapes[names[0]] = shapes[names[0]] + share * near + (1 - share) * far
        shapes[names[1]] = shapes[names[1]] + share * far + (1 - share) * near


def _smoothstep(t: Floats) -> Floats:
    return t * t * (3 - 2 * t)


def _resample(columns: Floats, stations: Floats) -> Floats:
    """Loops (L, C, 3) sampled at equal shares of each loop's length, (L, stations, 3)."""
    result = np.empty((len(columns), len(stations), 3))
    for i, line in enumerate(columns):
        steps = np.linalg.norm(np.diff(line, axis=0), axis=1)
        share = np.concatenate([[0], np.cumsum(steps)]) / steps.sum()
        for axis in range(3):
            result[i, :, axis] = np.interp(stations, share, line[:, axis])
    return result


def _signed_gap(upper: Floats, lower: Floats) -> float:
    """Least height between two polylines (L, 3) where they share z; else 0 or the opening."""
    first = max(upper[:, 2].min(), lower[:, 2].min())
    last = min(upper[:, 2].max(), lower[:, 2].max())
    if last <= first:
        return max(float(upper[:, 1].min() - lower[:, 1].max()), 0.0)
    z = np.linspace(first, last, _SAMPLES)
    return float((_envelope(upper, z, np.fmin) - _envelope(lower, z, np.fmax)).min())


def _envelope(line: Floats, z: Floats, pick: np.ufunc) -> Floats:
    """Lowest or highest y of a polyline over each z."""
    a, b = line[:-1, None], line[1:, None]
    span = b[..., 2] - a[..., 2]
    t = (z[None] - a[..., 2]) / np.where(np.abs(span) < 1e-9, np.inf, span)
    y = a[..., 1] + t * (b[..., 1] - a[..., 1])
    inside = (t >= -1e-9) & (t <= 1 + 1e-9) & (np.abs(span) >= 1e-9)
    return pick.reduce(np.where(inside, y, np.nan), axis=0)
