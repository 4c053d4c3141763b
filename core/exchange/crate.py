# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes USD's binary layers (.usdc, "crate") as the values come, without USD.

Version 0.8.0 of the format, which all USD since 2019 reads. Little-endian. The file is a head of 88
bytes (signature, version, place of the table of contents), then the values in any order, then
sections, each with a count of 64 bits first:

  TOKENS     the names, each with a zero byte at its end, packed
  STRINGS    uint32 token of each
  FIELDS     tokens of their names as whole numbers, then their values (8 bytes each), packed
  FIELDSETS  places of fields as whole numbers; ~0 ends a set
  PATHS      their number again, then as whole numbers: the paths depth first, the tokens of their
             elements (negative for attributes), and what follows each: -2 neither child nor
             sibling, -1 a child, 0 a sibling, n both, the sibling n further on
  SPECS      as whole numbers: paths, places of their sets, kinds

A value is 64 bits: an array (bit 63), held in the value itself (bit 62), its type (bits 48 to 55),
and 48 bits that are the value or its place in the file. Arrays begin with their length, 64 bits.
"Packed" is an LZ4 block behind a zero byte; here it holds literals only, since tables are small.
Whole numbers are packed, too: a common step, two bits for each number that say how its step to the
one before is stored, then the steps; here all are stored with 32 bits.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO

import numpy as np

from ..arrays import AnyArray

SIGNATURE, VERSION = b"PXR-USDC", bytes((0, 8, 0, 0, 0, 0, 0, 0))
HEAD_BYTES = 88
_ARRAY, _INLINED = 1 << 63, 1 << 62
_TYPES = {
    "bool": 1, "int": 3, "double": 9, "string": 10, "token": 11, "matrix4d": 15, "vec3f": 24,
    "tokens": 41, "specifier": 42, "variability": 44, "time samples": 46, "doubles": 48,
}  # fmt: skip
ATTRIBUTE, PRIM, PSEUDO_ROOT = 1, 6, 7  # kinds of specs
DEF, UNIFORM = 0, 1
_LEAF, _CHILD_ONLY, _SIBLING_ONLY = -2, -1, 0
_END = 0xFFFFFFFF
Value = int


class CrateWriter:
    """Values are written when they are made; ``finish`` writes what says where they belong."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._tokens: dict[str, int] = {"": 0}
        self._strings: list[int] = []
        self._specs: list[tuple[str, int, Mapping[str, Value]]] = []
        self._at = 0
        self._write(bytes(HEAD_BYTES))

    # ---- values ---------------------------------------------------------------------------------

    def token(self, text: str) -> Value:
        """A name."""
        return _inlined("token", self._token(text))

    def string(self, text: str) -> Value:
        """A text."""
        self._strings.append(self._token(text))
        return _inlined("string", len(self._strings) - 1)

    def number(self, value: float) -> Value:
        """A float64."""
        return self._placed("double", struct.pack("<d", value))

    def specifier(self, kind: int = DEF) -> Value:
        """How a prim is meant: ``DEF``."""
        return _inlined("specifier", kind)

    def variability(self, kind: int = UNIFORM) -> Value:
        """Whether an attribute may change in time; ``UNIFORM`` ones may not."""
        return _inlined("variability", kind)

    def names(self, texts: Sequence[str]) -> Value:
        """A list of names, as of children."""
        numbers = np.array([self._token(text) for text in texts], "<u4")
        return self._placed("tokens", struct.pack("<Q", len(numbers)) + numbers.tobytes())

    def token_array(self, texts: Sequence[str]) -> Value:
        """An attribute's array of names."""
        return self._array("token", np.array([self._token(text) for text in texts], "<u4"))

    def int_array(self, values: AnyArray) -> Value:
        """Whole numbers (n,)."""
        return self._array("int", np.ascontiguousarray(values, "<i4"))

    def vec3f_array(self, values: AnyArray) -> Value:
        """Points (n, 3) of float32."""
        return self._array("vec3f", np.ascontiguousarray(values, "<f4"))

    def matrix4d(self, rows: AnyArray) -> Value:
        """A matrix (4, 4) of float64 as USD has it, axes in rows."""
        return self._placed("matrix4d", np.ascontiguousarray(rows, "<f8").tobytes())

    def times(self, times: AnyArray) -> Value:
        """Time codes (n,), which samples share."""
        numbers = np.ascontiguousarray(times, "<f8")
        return self._placed("doubles", struct.pack("<Q", len(numbers)) + numbers.tobytes())

    def samples(self, times: Value, values: Sequence[Value]) -> Value:
        """A value for each of the times."""
        data = struct.pack("<qQqQ", 8, times, 8, len(values))
        return self._placed("time samples", data + np.array(values, "<u8").tobytes())

    # ---- what they belong to --------------------------------------------------------------------

    def spec(self, path: str, kind: int, fields: Mapping[str, Value]) -> None:
        """What is said of a prim ("/a/b"), an attribute ("/a/b.points") or the layer ("/")."""
        self._specs.append((path, kind, fields))

    def finish(self) -> None:
        """Write the tables; nothing can be added afterwards."""
        paths = _Paths([path for path, _kind, _fields in self._specs])
        for name in paths.elements:
            self._token(name)
        names: list[int] = []
        values: list[Value] = []
        sets: list[int] = []
        starts: list[int] = []
        for _path, _kind, own in self._specs:
            starts.append(len(sets))
            for name, value in own.items():
                sets.append(len(names))
                names.append(self._token(name))
                values.append(value)
            sets.append(_END)
        words = b"".join(text.encode("utf-8") + b"\0" for text in self._tokens)
        reps = _packed(np.array(values, "<u8").tobytes())
        kinds = [kind for _path, kind, _own in self._specs]
        numbers = list(range(len(self._specs)))  # a path each, in the same order
        sections = {
            b"TOKENS": _sized(len(self._tokens), struct.pack("<Q", len(words)), _packed(words)),
            b"STRINGS": _count(self._strings) + np.array(self._strings, "<u4").tobytes(),
            b"FIELDS": _count(names) + _whole(names) + struct.pack("<Q", len(reps)) + reps,
            b"FIELDSETS": _count(sets) + _whole(sets),
            b"PATHS": paths.table(self._tokens),
            b"SPECS": _count(numbers) + _whole(numbers) + _whole(starts) + _whole(kinds),
        }
        contents = [self._section(name, data) for name, data in sections.items()]
        self._align()
        place = self._at
        self._write(struct.pack("<Q", len(contents)) + b"".join(contents))
        self._stream.seek(0)
        self._stream.write(SIGNATURE + VERSION + struct.pack("<q", place))

    # ---- bytes ----------------------------------------------------------------------------------

    def _write(self, data: bytes | memoryview) -> None:
        self._stream.write(data)
        self._at += memoryview(data).nbytes

    def _align(self) -> None:
        self._write(bytes(-self._at % 8))

    def _token(self, text: str) -> int:
        return self._tokens.setdefault(text, len(self._tokens))

    def _placed(self, kind: str, data: bytes) -> Value:
        self._align()
        place = self._at
        self._write(data)
        return _TYPES[kind] << 48 | place

    def _array(self, kind: str, values: AnyArray) -> Value:
        if len(values) == 0:
            return _ARRAY | _TYPES[kind] << 48
        self._align()
        place = self._at
        self._write(struct.pack("<Q", len(values)))
        self._write(values.data)
        return _ARRAY | _TYPES[kind] << 48 | place

    def _section(self, name: bytes, data: bytes) -> bytes:
        self._align()
        place = self._at
        self._write(data)
        return struct.pack("<16sqq", name, place, len(data))


class _Paths:
    """All paths as a tree: the layer, its prims in order, each with its attributes and prims."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._numbers = {path: number for number, path in enumerate(paths)}
        self._below: dict[str, list[str]] = {}
        for path in paths:
            if path != "/":
                self._below.setdefault(_parent(path), []).append(path)

    @property
    def elements(self) -> list[str]:
        """The last names of all paths."""
        return [_element(path) for path in self._numbers]

    def table(self, tokens: Mapping[str, int]) -> bytes:
        """The section of the paths."""
        order = list(self._walk("/"))
        places = {path: place for place, path in enumerate(order)}
        elements, jumps = [], []
        for path in order:
            token = tokens[_element(path)]
            elements.append(-token if "." in path else token)
            sibling = self._sibling(path)
            if path in self._below:
                jumps.append(places[sibling] - places[path] if sibling else _CHILD_ONLY)
            else:
                jumps.append(_SIBLING_ONLY if sibling else _LEAF)
        numbers = [self._numbers[path] for path in order]
        counts = _count(numbers) + _count(numbers)
        return counts + _whole(numbers) + _whole(elements) + _whole(jumps)

    def _walk(self, path: str) -> Iterator[str]:
        yield path
        for each in self._below.get(path, ()):
            yield from self._walk(each)

    def _sibling(self, path: str) -> str:
        """The next path with the same parent; empty for the last."""
        if path == "/":
            return ""
        beside = self._below[_parent(path)]
        place = beside.index(path) + 1
        return beside[place] if place < len(beside) else ""


def _parent(path: str) -> str:
    return path.rpartition("." if "." in path else "/")[0] or "/"


def _element(path: str) -> str:
    return path.rpartition("." if "." in path else "/")[2]


def _inlined(kind: str, value: int) -> Value:
    return _INLINED | _TYPES[kind] << 48 | value


def _count(items: Sequence[object]) -> bytes:
    return struct.pack("<Q", len(items))


def _sized(count: int, before: bytes, data: bytes) -> bytes:
    return struct.pack("<Q", count) + before + struct.pack("<Q", len(data)) + data


def _whole(numbers: Sequence[int]) -> bytes:
    """Whole numbers of 32 bits with the bytes they take."""
    steps = np.diff(np.array(numbers, np.int64), prepend=0).astype(np.int32)
    codes = b"\xff" * ((2 * len(numbers) + 7) // 8)
    data = _packed(bytes(4) + codes + steps.astype("<i4").tobytes())
    return struct.pack("<Q", len(data)) + data


def _packed(data: bytes) -> bytes:
    """An LZ4 block of one run of literals."""
    count = len(data)
    if count < 15:
        return bytes((0, count << 4)) + data
    full, rest = divmod(count - 15, 255)
    return b"\0\xf0" + b"\xff" * full + bytes((rest,)) + data
