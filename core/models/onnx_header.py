# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks for data outside of an ONNX file before any runtime opens it.

Some versions of ONNX Runtime load external data from wherever the file points to. This walks the
protobuf (graph, initialisers, attributes, sub-graphs, functions) without decoding the weights and
returns the places named. Field numbers are those of the public ``onnx.proto``.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from pathlib import Path

from .. import limits
from ..errors import UserError

_MAX_DEPTH = 24
_LONGEST_TEXT = 4_096  # bytes of a place or its key

# message -> field -> message of the sub-message in that field
_CHILDREN: dict[str, dict[int, str]] = {
    "model": {7: "graph", 25: "function", 20: "training"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {
        5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse",
    },
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
}  # fmt: skip

Buffer = mmap.mmap | bytes


class _Walk:
    """Counts the fields looked at: a file of tiny ones must not keep us for hours."""

    def __init__(self, data: Buffer) -> None:
        self.data = data
        self.left = limits.MAX_NETWORK_FIELDS

    def fields(self, at: int, end: int) -> Iterator[tuple[int, int, int, int]]:
        """Yield (number, wire type, start, end) of each field; a varint has start == value."""
        data = self.data
        while at < end:
            self.left -= 1
            if self.left < 0:
                raise ValueError("it has too many parts")
            key, at = _varint(data, at, end)
            number, wire = key >> 3, key & 7
            if wire == 0:
                value, at = _varint(data, at, end)
                yield number, wire, value, at
                continue
            if wire == 2:
                size, at = _varint(data, at, end)
            elif wire in (1, 5):
                size = 8 if wire == 1 else 4
            else:
                raise ValueError("it is not an ONNX file")
            if number == 0 or at + size > end:
                raise ValueError("it is cut off or not an ONNX file")
            yield number, wire, at, at + size
            at += size

    def locations(self, message: str, at: int, end: int, depth: int) -> Iterator[str]:
        """Yield the places of external data in one message and those below it."""
        if depth > _MAX_DEPTH:
            raise ValueError("it is nested too deeply")
        children = _CHILDREN[message]
        for number, wire, start, stop in self.fields(at, end):
            child = children.get(number)
            if wire != 2 or child is None:
                continue
            if child == "entry":
                strings = {n: self.text(a, b) for n, w, a, b in self.fields(start, stop) if w == 2}
                if strings.get(1) == "location":
                    yield strings.get(2, "")
            else:
                yield from self.locations(child, start, stop, depth + 1)

    def text(self, start: int, stop: int) -> str:
        """A key or value of an entry."""
        if stop - start > _LONGEST_TEXT:
            raise ValueError("it holds a name that is too long")
        return bytes(self.data[start:stop]).decode("utf-8", "replace")


def _varint(data: Buffer, at: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError("it is cut off")


def external_locations(data: Buffer) -> tuple[str, ...]:
    """Places of external data that an ONNX model names. Raises ValueError when it is no ONNX."""
    walk = _Walk(data)
    has_graph = any(n == 7 and w == 2 for n, w, _, _ in walk.fields(0, len(data)))
    if not has_graph:
        raise ValueError("it is not an ONNX file")
    return tuple(walk.locations("model", 0, len(data), 0))


def check_network_file(path: Path, limit: int = limits.MAX_NETWORK_BYTES) -> tuple[Path, ...]:
    """Refuse a network file that is no ONNX, too large, or points outside of its own folder.

    Returns the files of external data that it names, sorted; each exists in the network's folder.
    ``limit`` is in bytes, for all of them together. Raises UserError naming the file and the
    reason.
    """
    try:
        if not path.is_file():
            raise UserError(f"The network {path} does not exist.", "Download the model again.")
        size = path.stat().st_size
        if size > limit:
            raise UserError(f"The network {path} is too large: {size} bytes.")
        if size == 0:
            raise ValueError("it is empty")
        with (
            path.open("rb") as stream,
            mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data,
        ):
            places = sorted(set(external_locations(data)))
        found = tuple(_external_file(path, place) for place in places)
        size += sum(file.stat().st_size for file in found)
    except (OSError, ValueError) as error:
        raise UserError(
            f"The network {path} cannot be read: {error}.", "Download the model again."
        ) from error
    if size > limit:
        raise UserError(f"The network {path} is too large with its data: {size} bytes.")
    return found


def _external_file(network: Path, place: str) -> Path:
    """The file that a place stands for: a real one, in the network's own folder."""
    folder = network.parent.resolve()
    target = folder / place
    inside = "\0" not in place and target.resolve().is_relative_to(folder)
    if not place or Path(place).is_absolute() or not inside or target.is_symlink():
        raise UserError(
            f"The network {network} is refused: it reads data outside of its folder ({place!r}).",
            "Only use models from people you trust.",
        )
    if not os.path.isfile(target):
        raise UserError(
            f"The network {network} names a file of data that does not exist ({place!r}).",
            "Download the model again.",
        )
    return target
