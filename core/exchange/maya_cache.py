# SPDX-License-Identifier: GPL-3.0-or-later
"""Maya's geometry caches: an XML file that describes one file of points, ``.mc`` or ``.mcx``.

The points are IFF, big-endian: a group CACH with version, first and last time, then one group MYCH
a frame with its time, and name, number and points (FVCA, float32 x, y, z) of each channel. ``.mc``
has sizes of 32 bits and fills up to 4 bytes; ``.mcx`` has sizes of 64 bits, 4 bytes between a tag
and its size, and fills up to 8. A group's own type (CACH, MYCH) comes without either. Times are in
ticks of 1/6000 s. Written from the description in `docs/formats.md`.

Where a frame is no whole number of ticks, as at 23.976 (250.25 ticks), each frame has the nearest
tick to its own time, so that it is at most 1/12000 s off and never drifts; the sampling is then
called irregular.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np

from ..errors import UserError
from .point_cache import Block, CacheClip, Frames, Write, identifiers

TICKS_PER_S = 6000
LAST_TICK = 0x7FFFFFFF
MOST_BYTES = 0xFFFFFF00  # of a frame of .mc
MCC, MCX = "mcc", "mcx"


def ticks_of(clip: CacheClip, index: int) -> int:
    """Time of a frame of a clip, rounded to whole ticks (halves up)."""
    exact = (clip.first_frame + index) * TICKS_PER_S / clip.rate
    return math.floor(exact + Fraction(1, 2))


def is_regular(rate: Fraction) -> bool:
    """Whether every frame is a whole number of ticks at a frame rate."""
    return (TICKS_PER_S / rate).denominator == 1


def channel_of(clip: CacheClip) -> str:
    """Name of the one channel, of letters that Maya knows: that of the mesh's shape in Maya."""
    (name,) = identifiers([clip.meshes[0].name])
    (channel,) = identifiers([clip.channel.replace("*", name)])
    return channel


@contextmanager
def filling(paths: Sequence[Path], clip: CacheClip, kind: str = MCC) -> Iterator[Write]:
    """Write the one mesh of a clip to a file of points and its XML,
    which are there already. Raises UserError, OSError."""
    points_path, xml_path = paths
    (mesh,), frames, groups = clip.meshes, Frames(clip), _Groups(kind == MCX)
    first, last = ticks_of(clip, 0), ticks_of(clip, clip.frames - 1)
    if max(abs(first), abs(last)) > LAST_TICK:
        raise UserError("A Maya cache cannot be written: its last frame is more than 99 h away.")
    if kind == MCC and mesh.points * 12 > MOST_BYTES:
        raise UserError(f"'{mesh.name}' has too many vertices for .mc.", "Choose .mcx.")
    name = channel_of(clip).encode("ascii") + b"\0"
    xml_path.write_bytes(_description(clip, kind).encode("utf-8"))
    with points_path.open("wb") as stream:
        head = groups.chunk(b"VRSN", b"0.1\0")
        head += groups.chunk(b"STIM", struct.pack(">i", first))
        head += groups.chunk(b"ETIM", struct.pack(">i", last))
        stream.write(groups.group(b"CACH", len(head)) + head)
        channel = groups.chunk(b"CHNM", name) + groups.chunk(
            b"SIZE", struct.pack(">I", mesh.points)
        )
        channel += groups.head(b"FVCA", mesh.points * 12)
        filler = groups.filler(mesh.points * 12)

        def write(blocks: Sequence[Block]) -> None:
            began = frames.done
            frames.take(blocks)
            points = np.ascontiguousarray(blocks[0].points, ">f4")
            for place in range(len(points)):
                time = groups.chunk(b"TIME", struct.pack(">i", ticks_of(clip, began + place)))
                body = time + channel
                size = len(body) + mesh.points * 12 + len(filler)
                stream.write(groups.group(b"MYCH", size) + body)
                stream.write(points[place].data)
                stream.write(filler)

        yield write
        frames.end()


class _Groups:
    """Chunks of IFF with sizes of 32 bits, or ``wide`` ones of 64."""

    def __init__(self, wide: bool) -> None:
        self._wide = wide

    def head(self, tag: bytes, size: int) -> bytes:
        return tag + (struct.pack(">4xQ", size) if self._wide else struct.pack(">I", size))

    def filler(self, size: int) -> bytes:
        return bytes(-size % (8 if self._wide else 4))

    def chunk(self, tag: bytes, data: bytes) -> bytes:
        return self.head(tag, len(data)) + data + self.filler(len(data))

    def group(self, kind: bytes, size: int) -> bytes:
        return self.head(b"FOR8" if self._wide else b"FOR4", size + len(kind)) + kind


def _description(clip: CacheClip, kind: str) -> str:
    first, last = ticks_of(clip, 0), ticks_of(clip, clip.frames - 1)
    rate = round(TICKS_PER_S / clip.rate)
    sampling = "Regular" if is_regular(clip.rate) else "Irregular"
    name = quoteattr(channel_of(clip))
    return (
        '<?xml version="1.0"?>\n'
        "<Autodesk_Cache_File>\n"
        f'  <cacheType Type="OneFile" Format="{kind}"/>\n'
        f'  <time Range="{first}-{last}"/>\n'
        f'  <cacheTimePerFrame TimePerFrame="{rate}"/>\n'
        '  <cacheVersion Version="2.0"/>\n'
        "  <extra>Facewright</extra>\n"
        f"  <extra>{float(clip.rate):.6g} frames per second, centimetres, Y up</extra>\n"
        "  <Channels>\n"
        f'    <channel0 ChannelName={name} ChannelType="FloatVectorArray" '
        f'ChannelInterpretation="positions" SamplingType="{sampling}" SamplingRate="{rate}" '
        f'StartTime="{first}" EndTime="{last}"/>\n'
        "  </Channels>\n"
        "</Autodesk_Cache_File>\n"
    )
