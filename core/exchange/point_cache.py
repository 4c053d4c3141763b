# SPDX-License-Identifier: GPL-3.0-or-later
"""What all geometry caches are made from: meshes, their frames, and the space of a file."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from ..arrays import Doubles, Floats, Integers
from ..errors import UserError

CM_PER_M = 100.0


def _none() -> Integers:
    return np.zeros(0, np.int64)


@dataclass(frozen=True)
class CacheMesh:
    """A mesh: its name, the number of its points, and its faces: corners of each (F,), and the
    points of all corners one after the other. Only USD has use for faces."""

    name: str
    points: int
    face_counts: Integers = field(default_factory=_none)
    face_points: Integers = field(default_factory=_none)


@dataclass(frozen=True)
class CacheClip:
    """What a cache holds. The first of ``frames`` has the number ``first_frame``, those after it
    count up by 1; ``rate`` of them are a second, exact. Points come in Blender's axes, ``metres``
    long a unit. ``name`` is the whole's. ``channel`` names a Maya cache's channel, * is the mesh.
    """

    name: str
    meshes: tuple[CacheMesh, ...]
    frames: int
    rate: Fraction
    first_frame: int = 0
    metres: float = 1.0
    channel: str = "*Shape"


@dataclass(frozen=True)
class Block:
    """The next frames of one mesh: points (n, V, 3), and where the mesh stands, (n, 4, 4) with
    columns for axes, float64; None for points that are in the world already."""

    points: Floats
    places: Doubles | None = None


Write = Callable[[Sequence[Block]], None]  # one block a mesh, all with the same number of frames


@dataclass(frozen=True)
class Space:
    """The axes and the unit of a file."""

    y_up: bool
    metres: float | None  # of a unit; None is the scene's

    def unit(self, clip: CacheClip) -> float:
        """Metres of a unit in the file of a clip."""
        return clip.metres if self.metres is None else self.metres

    def block(self, clip: CacheClip, block: Block) -> Block:
        """A block of a clip as the file has it."""
        if not self.y_up and self.metres is None:
            return block
        scale = clip.metres / self.unit(clip)
        turn = scale * (_Y_UP if self.y_up else np.eye(3))
        points = np.empty_like(block.points, np.float32)
        for row, column in enumerate(np.abs(turn).argmax(axis=1)):  # each axis is one of the others
            factor = np.float32(turn[row, column])
            np.multiply(block.points[..., column], factor, out=points[..., row])
        if block.places is None:
            return Block(points)
        there, back = np.eye(4), np.eye(4)
        there[:3, :3], back[:3, :3] = turn, turn.T / scale**2
        return Block(points, there @ block.places @ back)


_Y_UP = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])  # from Blender's axes
BLENDER = Space(y_up=False, metres=None)
MAYA = Space(y_up=True, metres=1 / CM_PER_M)


def identifiers(names: Iterable[str]) -> list[str]:
    """Names that every program takes: ASCII letters, digits and _, each once, in the given order.

    Accents are dropped; what has no letter left is called Mesh.
    """
    found = []
    for name in names:
        plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
        plain = "".join(each if each.isalnum() else "_" for each in plain)
        plain = plain.strip("_") or "Mesh"
        plain = f"_{plain}" if plain[0].isdigit() else plain
        found.append(plain)
    return once_each(found)


def once_each(names: Iterable[str]) -> list[str]:
    """The names, each once whatever its case: those that are there already get a number."""
    taken: set[str] = set()
    found = []
    for name in names:
        unique, number = name, 1
        while unique.lower() in taken:
            number += 1
            unique = f"{name}_{number}"
        taken.add(unique.lower())
        found.append(unique)
    return found


class Frames:
    """Counts what a file is given, and refuses what does not fit its clip."""

    def __init__(self, clip: CacheClip) -> None:
        self._clip, self.done = clip, 0

    def take(self, blocks: Sequence[Block]) -> None:
        """Look at the next blocks. Raises ValueError, and UserError for points that are no
        numbers."""
        if len(blocks) != len(self._clip.meshes):
            raise ValueError(f"{len(blocks)} blocks for {len(self._clip.meshes)} meshes")
        count = len(blocks[0].points)
        for block, mesh in zip(blocks, self._clip.meshes, strict=True):
            if block.points.shape != (count, mesh.points, 3):
                raise ValueError(f"{block.points.shape} for {count} frames of {mesh}")
            if not np.isfinite(block.points).all():
                raise UserError(
                    f"'{mesh.name}' has vertices that are nowhere (not a number) near frame "
                    f"{self._clip.first_frame + self.done}.",
                    "Look for a modifier or driver that goes wrong there.",
                )
        self.done += count

    def end(self) -> None:
        """Raises ValueError when frames are missing or too many."""
        if self.done != self._clip.frames:
            raise ValueError(f"{self.done} frames in a cache of {self._clip.frames}")
