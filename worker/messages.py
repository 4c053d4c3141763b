# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames between Blender and the worker: a small JSON head and raw arrays, never pickle.

A frame is a 16-byte prefix (mark, head length, payload length; big-endian), the head (JSON, UTF-8)
and the payload: the arrays in the head's order, little-endian, C order, each padded to 16 bytes.
Everything that arrives is checked against fixed limits before memory is taken for it.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ..core import strict_json

Fields = dict[str, Any]
Arrays = dict[str, NDArray[Any]]

PROTOCOL = 2
MARK = b"FWRT"
PREFIX = struct.Struct("!4sIQ")
HEAD_LIMIT = 1 << 20
PAYLOAD_LIMIT = 1 << 30
DEPTH_LIMIT = 16
ARRAY_COUNT_LIMIT = 256
DIMENSION_LIMIT = 8
NAME_LIMIT = 64
ALIGNMENT = 16
DTYPES: dict[str, np.dtype[Any]] = {
    "float32": np.dtype("<f4"),
    "float64": np.dtype("<f8"),
    "int16": np.dtype("<i2"),
    "int32": np.dtype("<i4"),
    "int64": np.dtype("<i8"),
    "uint8": np.dtype("u1"),
}


class MessageError(ValueError):
    """A frame breaks the rules; the text says which. What follows it on the link is lost."""


@dataclass(frozen=True)
class Message:
    """One frame: ``fields`` is JSON data with a ``type``; received ``arrays`` are writable."""

    fields: Fields
    arrays: Arrays = field(default_factory=dict)

    @property
    def type(self) -> str:
        """What the frame is for: "hello", "job", "cancel", "progress", "done" or "failed"."""
        return str(self.fields.get("type", ""))


def encode(message: Message, payload_limit: int = PAYLOAD_LIMIT) -> list[memoryview]:
    """Return the frame as byte buffers in order; arrays are referred to, not copied.

    Raises MessageError when something cannot be sent (other dtype, NaN in the fields, too large).
    """
    buffers: list[memoryview] = []
    entries: list[Fields] = []
    size = 0
    if len(message.arrays) > ARRAY_COUNT_LIMIT:
        raise MessageError(f"{len(message.arrays)} arrays are more than {ARRAY_COUNT_LIMIT}")
    for name, array in message.arrays.items():
        dtype = DTYPES.get(array.dtype.name)
        if dtype is None:
            raise MessageError(f"array {name!r} has type {array.dtype.name}, which is not sent")
        entry = {"name": name, "dtype": array.dtype.name, "shape": list(array.shape)}
        _check_entry(entry)
        entries.append(entry)
        data = np.ascontiguousarray(array, dtype=dtype).reshape(-1).view(np.uint8)
        padding = -data.nbytes % ALIGNMENT
        size += data.nbytes + padding
        if data.nbytes:
            buffers.append(data.data)
        if padding:
            buffers.append(memoryview(bytes(padding)))
    if size > payload_limit:
        raise MessageError(f"arrays of {size} bytes are over the limit of {payload_limit}")
    head = _encode_head({**message.fields, "arrays": entries})
    return [memoryview(PREFIX.pack(MARK, len(head), size) + head), *buffers]


def _encode_head(fields: Fields) -> bytes:
    try:
        _check_depth(fields)
        text = json.dumps(fields, allow_nan=False, separators=(",", ":"), sort_keys=True)
    except (TypeError, ValueError) as error:
        raise MessageError(f"the message cannot be written as JSON: {error}") from error
    head = text.encode("ascii")
    if len(head) > HEAD_LIMIT:
        raise MessageError(f"a head of {len(head)} bytes is over the limit of {HEAD_LIMIT}")
    return head


def read_json(data: bytes | bytearray) -> Fields:
    """Parse one JSON object: finite numbers only, no key twice, at most 16 levels deep."""
    try:
        value: object = strict_json.parse(data, DEPTH_LIMIT)
    except (ValueError, RecursionError) as error:
        raise MessageError(f"not a readable JSON object: {error}") from error
    if not isinstance(value, dict):
        raise MessageError("not a JSON object")
    return cast("Fields", value)


def _check_depth(fields: Fields) -> None:
    level: list[Any] = [fields]
    for _ in range(DEPTH_LIMIT):
        inner: list[Any] = []
        for item in level:
            inner.extend(cast("Fields", item).values() if isinstance(item, dict) else item)
        level = [item for item in inner if isinstance(item, (dict, list, tuple))]
        if not level:
            return
    raise MessageError(f"the message is nested deeper than {DEPTH_LIMIT} levels")


def _check_entry(entry: Mapping[str, Any]) -> tuple[str, np.dtype[Any], tuple[int, ...], int]:
    """Return name, dtype, shape and size in bytes of one described array."""
    name, code, shape = entry.get("name"), entry.get("dtype"), entry.get("shape")
    if not isinstance(name, str) or not 0 < len(name) <= NAME_LIMIT:
        raise MessageError("an array has no usable name")
    if not isinstance(code, str) or code not in DTYPES:
        raise MessageError(f"array {name!r} has an unknown type")
    if not isinstance(shape, list) or len(shape) > DIMENSION_LIMIT:
        raise MessageError(f"array {name!r} has no usable shape")
    if not all(type(length) is int and 0 <= length < 1 << 40 for length in shape):
        raise MessageError(f"array {name!r} has no usable shape")
    return name, DTYPES[code], tuple(shape), math.prod(shape) * DTYPES[code].itemsize


def _decode(head: bytearray, payload: NDArray[np.uint8]) -> Message:
    fields = read_json(head)
    entries = fields.pop("arrays", [])
    if not isinstance(entries, list) or len(entries) > ARRAY_COUNT_LIMIT:
        raise MessageError("the head does not describe its arrays")
    arrays: Arrays = {}
    start = 0
    for entry in entries:
        if not isinstance(entry, dict):
            raise MessageError("the head does not describe its arrays")
        name, dtype, shape, size = _check_entry(cast("Fields", entry))
        if name in arrays:
            raise MessageError(f"array {name!r} comes twice")
        if start + size > payload.size:
            raise MessageError(f"array {name!r} of {size} bytes is longer than the payload")
        arrays[name] = payload[start : start + size].view(dtype).reshape(shape)
        start += size + -size % ALIGNMENT
    if start != payload.size:
        raise MessageError(f"the payload has {payload.size} bytes where {start} were described")
    return Message(fields, arrays)


class FrameReader:
    """Puts frames together from bytes as they come, whatever their portions."""

    def __init__(self, payload_limit: int = PAYLOAD_LIMIT) -> None:
        self._payload_limit = payload_limit
        self._expect_prefix()

    def _expect_prefix(self) -> None:
        self._prefix = bytearray(PREFIX.size)
        self._head: bytearray | None = None
        self._payload: NDArray[np.uint8] | None = None
        self._payload_size = 0
        self._room = memoryview(self._prefix)

    @property
    def started(self) -> bool:
        """True when a frame has begun but has not ended."""
        return self._head is not None or len(self._room) < PREFIX.size

    def room(self) -> memoryview:
        """Where the next bytes belong; never empty. Follow with ``filled``."""
        return self._room

    def filled(self, count: int) -> Message | None:
        """Take note of ``count`` bytes written into ``room``; return a frame when it is whole.

        Raises MessageError; the reader is of no use afterwards.
        """
        self._room = self._room[count:]
        while not len(self._room):
            if self._head is None:
                self._begin_head()
            elif self._payload is None:
                # not zeroed: touching a large block at once would hold up Blender
                self._payload = np.empty(self._payload_size, dtype=np.uint8)
                self._room = self._payload.data
            else:
                message = _decode(self._head, self._payload)
                self._expect_prefix()
                return message
        return None

    def _begin_head(self) -> None:
        mark, head_size, payload_size = PREFIX.unpack(self._prefix)
        if mark != MARK:
            raise MessageError("what arrived is not one of our frames")
        if not 0 < head_size <= HEAD_LIMIT:
            raise MessageError(f"a frame's head of {head_size} bytes is outside the limit")
        if payload_size > self._payload_limit:
            raise MessageError(
                f"a frame of {payload_size} bytes is over the limit of {self._payload_limit}"
            )
        self._head = bytearray(head_size)
        self._payload_size = payload_size
        self._room = memoryview(self._head)
