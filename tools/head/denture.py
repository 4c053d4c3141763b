# SPDX-License-Identifier: GPL-3.0-or-later
"""Procedural upper and lower dentures: fourteen blunt teeth on an arch in a scalloped gum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .part import Part, join, tube_faces
from .topology import Floats, Ints

SEGMENTS = 14
# Crown profile from the cutting edge (0) to the neck inside the gum (1): height, width, depth.
_HEIGHT = np.array([0.0, 0.0, 0.03, 0.10, 0.28, 0.55, 0.82, 1.0])
_WIDTH = np.array([0.0, 0.84, 0.94, 0.985, 1.0, 0.97, 0.88, 0.80])
_DEPTH = np.array([0.0, 0.70, 0.88, 1.0, 1.0, 1.0, 1.0, 1.0])


@dataclass(frozen=True)
class Arch:
    """A denture's frame, in cm: half an ellipse in x and z, cutting edges at height `edge`."""

    edge: float
    front: float
    back: float
    half_width: float
    widths: tuple[float, ...]
    heights: tuple[float, ...]
    up: float

    def at(self, t: Floats) -> Floats:
        """Points (N, 3) at t in [-1, 1] from the right end over the front to the left end."""
        angle = np.asarray(t) * np.pi / 2
        depth = (self.front - self.back) * np.cos(angle) ** 0.75
        return np.stack([self.half_width * np.sin(angle), 0 * angle, self.back + depth], axis=-1)

    def frame(self, t: float) -> tuple[Floats, Floats, Floats]:
        """Point, unit tangent (to the left) and unit outward normal at t."""
        point = self.at(np.array(t))
        ahead, behind = self.at(np.array([min(t + 1e-3, 1), max(t - 1e-3, -1)]))
        tangent = (ahead - behind) / np.linalg.norm(ahead - behind)
        return point, tangent, np.cross(tangent, [0.0, 1.0, 0.0]) * -1


def upper(lip_line: float, wall: float) -> Arch:
    """The upper arch: edges 2 mm below the lip line, front close behind the lip (`wall` z)."""
    widths = (0.86, 0.68, 0.78, 0.70, 0.68, 1.0, 0.95)
    heights = (1.08, 0.98, 1.10, 0.98, 0.94, 0.85, 0.80)
    return Arch(lip_line - 0.20, wall - 0.27, 4.9, 2.90, widths, heights, up=1.0)


def lower(lip_line: float, wall: float) -> Arch:
    """The lower arch: edges behind the upper ones, reaching up to the lip line."""
    widths = (0.54, 0.60, 0.68, 0.70, 0.72, 1.05, 1.0)
    heights = (0.86, 0.88, 0.98, 0.85, 0.80, 0.75, 0.70)
    return Arch(lip_line - 0.09, wall - 0.57, 4.8, 2.72, widths, heights, up=-1.0)


def build(name: str, arch: Arch) -> Part:
    """Teeth and gum as one mesh with two materials."""
    teeth, centres = _teeth(arch)
    gum = _gum(arch, centres)
    points, faces = join([*teeth, gum])
    materials = ["teeth"] * sum(len(f) for _, f in teeth) + ["gums"] * len(gum[1])
    return Part.of(name, points, faces, materials, colours=_colours(points, materials, teeth, arch))


def markers(arch: Arch) -> Floats:
    """Five points (5, 3) on the cutting edges: middle, canines left/right, molars left/right."""
    _, centres = _teeth(arch)
    canine, molar = centres[2], centres[5]
    ts = np.array([0.0, canine, -canine, molar, -molar])
    return arch.at(ts) + np.array([0.0, arch.edge, 0.0])


def _teeth(arch: Arch) -> tuple[list[tuple[Floats, Ints]], Floats]:
    """Tooth meshes on both sides and the arch parameters of the left teeth's centres."""
    ts = np.linspace(0, 1, 800)
    steps = np.linalg.norm(np.diff(arch.at(ts), axis=0), axis=1)
    length = np.concatenate([[0], np.cumsum(steps)])
    widths = np.array(arch.widths) * 0.96 * length[-1] / sum(arch.widths)
    centres = np.interp(np.cumsum(widths) - widths / 2, length, ts)
    meshes = []
    for i, t in enumerate(centres):
        edge = 0.5 + 0.42 * np.clip((i - 1.5) / 2, 0, 1)
        lift = (0.0, 0.05, 0.0, 0.03, 0.05, 0.06, 0.05)[i]
        for side in (1, -1):
            size = (widths[i] * 0.985, arch.heights[i] + 0.25, _depth(i), edge)
            meshes.append(_tooth(arch, side * float(t), size, lift))
    return meshes, centres


def _tooth(
    arch: Arch, t: float, size: tuple[float, float, float, float], lift: float
) -> tuple[Floats, Ints]:
    """One crown, a superellipsoid; `size`: width, height, depth, the edge's share of the depth."""
    width, height, depth, edge_share = size
    base, tangent, outward = arch.frame(t)
    turn = 2 * np.pi * np.arange(SEGMENTS) / SEGMENTS

    def rounded(value: Floats) -> Floats:
        return np.sign(value) * np.abs(value) ** 0.6

    across = np.outer(_WIDTH, rounded(np.cos(turn))) * width / 2
    thick = edge_share + (1 - edge_share) * np.clip(_HEIGHT / 0.8, 0, 1)
    through = np.outer(_DEPTH * thick, rounded(np.sin(turn))) * depth / 2
    # The outer face stays put while the crown thins towards the edge from behind.
    through += ((1 - thick) * depth / 4)[:, None]
    rise = np.repeat((_HEIGHT * height + lift)[:, None], SEGMENTS, axis=1) * arch.up
    points = base + across[..., None] * tangent + through[..., None] * outward
    points[..., 1] += arch.edge + rise
    faces = tube_faces(len(_HEIGHT), SEGMENTS)
    if arch.up < 0:
        faces = faces[:, ::-1]
    return points.reshape(-1, 3), faces


def _gum(arch: Arch, centres: Floats) -> tuple[Floats, Ints]:
    """A tube along the arch that hugs the crowns and reaches down between them."""
    count, around = 140, 14
    ts = np.linspace(-1, 1, count)
    both = np.concatenate([-centres[::-1], centres])
    between = np.interp(ts, both, np.arange(len(both)))
    papilla = np.abs(np.sin(np.pi * between)) ** 4
    index = np.interp(np.abs(ts), centres, np.arange(len(centres)))
    height = np.interp(index, np.arange(len(centres)), arch.heights)
    fade = np.clip((1 - np.abs(ts)) / 0.06, 0, 1) ** 0.5
    turn = 2 * np.pi * np.arange(around) / around
    wide = np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** 0.5
    points = []
    for i, t in enumerate(ts):
        base, _, outward = arch.frame(float(t))
        thick = (_depth(index[i]) / 2 + 0.035) * fade[i]
        tall = 0.40 * fade[i]
        rim = height[i] * 0.97 - 0.11 * papilla[i] * fade[i]
        ring = base + np.outer(wide * thick, outward)
        ring[:, 1] += arch.edge + arch.up * (rim + tall - np.sin(turn) * tall)
        points.append(ring)
    faces = tube_faces(count, around)
    return np.concatenate(points), faces if arch.up < 0 else faces[:, ::-1]


def _depth(index: float) -> float:
    """Thickness in cm of the tooth at a place in the row (0 first incisor ... 6 molar)."""
    return 0.34 + 0.5 * float(np.clip((index - 1.5) / 3, 0, 1))


def _colours(
    points: Floats, materials: list[str], teeth: list[tuple[Floats, Ints]], arch: Arch
) -> Floats:
    """Teeth a little darker and warmer towards the gum and the back."""
    teeth_count = sum(len(p) for p, _ in teeth)
    rise = np.clip(arch.up * (points[:, 1] - arch.edge), 0, 1)[:, None]
    back = np.clip((arch.front - points[:, 2]) / 4, 0, 1)[:, None]
    white, warm = np.array([0.80, 0.77, 0.68]), np.array([0.62, 0.50, 0.34])
    share = np.clip(0.55 * rise**1.5 + 0.5 * back, 0, 1)
    colours = white * (1 - share) + warm * share
    gum = np.array([0.45, 0.12, 0.11])
    colours[teeth_count:] = gum * (1 - 0.4 * back[teeth_count:])
    return colours
