# SPDX-License-Identifier: GPL-3.0-or-later
"""PC2 point caches, as Blender's Mesh Cache modifier plays them.

Little-endian: ``POINTCACHE2\\0``, int32 version 1, int32 points, float32 first frame, float32
frames between samples, int32 samples, then the samples' points as float32 x, y, z.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ..arrays import Floats
from ..errors import UserError
from ..files import atomic_path
from .point_cache import Block, CacheClip, Frames
from .point_cache import Write as WriteBlocks

SIGNATURE = b"POINTCACHE2\0"
MOST = 0x7FFFFFFF  # of points and samples
Write = Callable[[Floats], None]


@contextmanager
def writing(
    path: str | os.PathLike[str],
    points: int,
    samples: int,
    first_frame: float = 0.0,
    step: float = 1.0,
) -> Iterator[Write]:
    """Give a function that takes the next frames (n, points, 3), until there are ``samples``.

    The file is there when the body has ended, whole or not at all. Raises UserError.
    """
    check_size(points, samples)
    done = 0
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        stream.write(_head(points, samples, first_frame, step))

        def write(block: Floats) -> None:
            nonlocal done
            if block.shape[1:] != (points, 3):
                raise ValueError(f"frames of {block.shape[1:]} in a cache of {points} points")
            done += len(block)
            stream.write(np.ascontiguousarray(block, "<f4").data)

        yield write
        if done != samples:
            raise ValueError(f"{done} frames in a cache of {samples}")


def size_of(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Points and samples of a file, of which only the head is read. Raises UserError."""
    try:
        with open(path, "rb") as stream:
            head = stream.read(32)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {error}.") from error
    if len(head) < 32 or not head.startswith(SIGNATURE):
        raise UserError(f"{path} is no point cache.")
    _version, points, _first, _step, samples = struct.unpack("<iiffi", head[12:])
    if points <= 0 or samples <= 0:
        raise UserError(f"{path} is damaged.")
    return points, samples


@contextmanager
def filling(paths: Sequence[Path], clip: CacheClip) -> Iterator[WriteBlocks]:
    """Write the one mesh of a clip to a file that is there already. Raises UserError, OSError."""
    (path,), (mesh,), frames = paths, clip.meshes, Frames(clip)
    check_size(mesh.points, clip.frames)
    with path.open("wb") as stream:
        stream.write(_head(mesh.points, clip.frames, clip.first_frame, 1.0))

        def write(blocks: Sequence[Block]) -> None:
            frames.take(blocks)
            stream.write(np.ascontiguousarray(blocks[0].points, "<f4").data)

        yield write
        frames.end()


def check_size(points: int, samples: int) -> None:
    """Raises UserError for what PC2 and MDD cannot hold."""
    if not (0 < points <= MOST and 0 < samples <= MOST):
        raise UserError(f"A cache of {points} points and {samples} frames cannot be written.")


def _head(points: int, samples: int, first_frame: float, step: float) -> bytes:
    return SIGNATURE + struct.pack("<iiffi", 1, points, first_frame, step, samples)
