# SPDX-License-Identifier: GPL-3.0-or-later
"""MDD point caches, as Blender's Mesh Cache modifier, LightWave and Houdini play them.

Big-endian: int32 frames, int32 points, float32 time of each frame in seconds from the first, then
the frames' points as float32 x, y, z.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from .pc2 import check_size
from .point_cache import Block, CacheClip, Frames, Write


@contextmanager
def filling(paths: Sequence[Path], clip: CacheClip) -> Iterator[Write]:
    """Write the one mesh of a clip to a file that is there already. Raises UserError, OSError."""
    (path,), (mesh,), frames = paths, clip.meshes, Frames(clip)
    check_size(mesh.points, clip.frames)
    seconds = np.arange(clip.frames) * clip.rate.denominator / clip.rate.numerator
    with path.open("wb") as stream:
        stream.write(struct.pack(">ii", clip.frames, mesh.points))
        stream.write(seconds.astype(">f4").tobytes())

        def write(blocks: Sequence[Block]) -> None:
            frames.take(blocks)
            stream.write(np.ascontiguousarray(blocks[0].points, ">f4").data)

        yield write
        frames.end()
