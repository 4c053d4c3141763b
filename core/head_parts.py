# SPDX-License-Identifier: GPL-3.0-or-later
"""One mesh of a head that comes with the extension, and how it lies in its file.

Space of the assets: centimetres, Y up, Z front, the character's left at +x, origin at the base of
the skull (head joint). `tools/head` builds the files.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .errors import UserError

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Arrays = Mapping[str, NDArray[np.generic]]

# `HeadPart.materials` indexes these.
MATERIALS = (
    *("skin", "mouth", "sclera", "iris", "pupil"),
    *("teeth", "gums", "tongue", "lashes", "brows", "scalp", "hair"),
)
_MAX_VERTICES = 200_000
_MAX_SHAPES = 200


@dataclass(frozen=True)
class HeadPart:
    """One mesh of a head at rest and its shapes.

    `vertices` (V, 3) cm; `faces` (F, 4), -1 as fourth corner of a triangle; `materials` (F,)
    index `MATERIALS`; `shapes` (P, V, 3) are displacements at weight 1, named by `shape_names`.
    The tongue's shapes are relative to the jaw. `colours` (V, 3) are linear RGB, or None.
    """

    name: str
    vertices: Floats
    faces: Ints
    materials: Ints
    shape_names: tuple[str, ...]
    shapes: Floats
    colours: Floats | None = None


def read_arrays(path: Path, what: str, fix: str) -> dict[str, NDArray[np.generic]]:
    """All arrays of an asset; `UserError` that begins with `what` when it is missing or spoiled."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        raise UserError(f"{what} {path.name} is missing ({path}).", fix) from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{what} {path} cannot be read: {error}.", fix) from error


def part_from(name: str, arrays: Arrays) -> HeadPart:
    """The part of that name; `KeyError` or `ValueError` when it is incomplete or unusable."""
    key = f"part/{name}"
    count = len(arrays[f"{key}/vertices"])
    if not 0 < count <= _MAX_VERTICES:
        raise ValueError(f"{name} has {count} vertices")
    names = tuple(str(each) for each in arrays[f"{key}/shape_names"])
    if len(names) > _MAX_SHAPES or len(set(names)) != len(names):
        raise ValueError(f"{name} has unusable shape names")
    faces = ints(arrays, f"{key}/faces", count, lowest=-1)
    if faces.ndim != 2 or faces.shape[1] != 4 or (faces[:, :3] < 0).any():
        raise ValueError(f"{name} has unusable faces")
    materials = ints(arrays, f"{key}/materials", len(MATERIALS))
    if materials.shape != (len(faces),):
        raise ValueError(f"{name} has {len(faces)} faces but {materials.size} materials")
    colours = f"{key}/colours"
    return HeadPart(
        name,
        vertices=floats(arrays, f"{key}/vertices", (count, 3)),
        faces=faces,
        materials=materials,
        shape_names=names,
        shapes=floats(arrays, f"{key}/shapes", (len(names), count, 3)),
        colours=floats(arrays, colours, (count, 3)) if colours in arrays else None,
    )


def floats(arrays: Arrays, key: str, shape: tuple[int, ...]) -> Floats:
    """A finite array of this shape as float32, or `ValueError`."""
    values = arrays[key]
    if values.shape != shape or values.dtype.kind != "f":
        raise ValueError(f"{key} is {values.dtype} {values.shape}, expected floats {shape}")
    if not np.isfinite(values).all():
        raise ValueError(f"{key} holds values that are not finite")
    return np.ascontiguousarray(values, dtype=np.float32)


def ints(arrays: Arrays, key: str, limit: int, lowest: int = 0) -> Ints:
    """Integers from `lowest` to below `limit` as int32, or `ValueError`."""
    values = arrays[key]
    if values.dtype.kind != "i":
        raise ValueError(f"{key} is {values.dtype}, expected integers")
    if values.size and (values.min() < lowest or values.max() >= limit):
        raise ValueError(f"{key} points outside 0..{limit - 1}")
    return np.ascontiguousarray(values, dtype=np.int32)
