# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading JSON and npz files that may come from anywhere.

Sizes are checked before anything is unpacked or allocated, nothing is unpickled, and every refusal
is a UserError that names the file and the reason.
"""

from __future__ import annotations

import math
import stat
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from . import limits, strict_json
from .arrays import AnyArray
from .errors import UserError

Json = Any

# What zipfile, zlib and numpy raise over damaged or hostile files
_UNREADABLE = (
    OSError,
    EOFError,
    MemoryError,
    NotImplementedError,
    RuntimeError,
    SyntaxError,
    ValueError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


def read_limited(path: Path, limit: int) -> bytes:
    """Read a regular file of at most ``limit`` bytes. Raises UserError."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise UserError(f"{path} is not a file.")
        if found.st_size > limit:
            raise UserError(
                f"{path} is too large: {found.st_size} bytes, at most {limit} are accepted."
            )
        with path.open("rb") as stream:
            data = stream.read(limit + 1)
    except FileNotFoundError as error:
        raise UserError(f"{path} does not exist.", "Choose an existing file.") from error
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {error}.") from error
    if len(data) > limit:
        raise UserError(f"{path} is too large: more than {limit} bytes.")
    return data


def parse_json(data: bytes, name: str) -> Json:
    """Parse JSON text. Raises UserError for NaN, infinities, doubled names, deep nesting."""
    try:
        return strict_json.parse(data, limits.MAX_JSON_DEPTH)
    except (ValueError, RecursionError) as error:
        reason = str(error) or error.__class__.__name__
        raise UserError(f"{name} is not valid JSON: {reason}.") from error


def read_json(path: Path, limit: int = limits.MAX_JSON_BYTES) -> dict[str, Json]:
    """Read a JSON file whose top is an object. Raises UserError (see ``parse_json``)."""
    value = parse_json(read_limited(path, limit), str(path))
    if not isinstance(value, dict):
        raise UserError(f"{path} has to hold a JSON object.")
    return value


@dataclass(frozen=True)
class ArrayForm:
    """What an array in an npz has to look like.

    ``kind``   numpy kinds that are accepted: "f" floats, "iu" integers, "SU" text
    ``shape``  sizes; None stands for any size
    """

    kind: str
    shape: tuple[int | None, ...]

    def refusal(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> str:
        """Empty when an array fits, else the reason."""
        if dtype.kind not in self.kind:
            return f"has the type {dtype}"
        fits = len(shape) == len(self.shape) and all(
            have <= limits.MAX_ROWS if want is None else want == have
            for want, have in zip(self.shape, shape, strict=True)
        )
        wanted = " x ".join("any" if n is None else str(n) for n in self.shape) or "single value"
        return "" if fits else f"has the shape {_shape(shape)} instead of {wanted}"


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "single value"


class NpzReader:
    """An npz file, opened and looked over; arrays are read one at a time.

    Use as a context manager. ``names`` are the arrays' names in the file's order.
    Raises UserError when the file is no npz or its sizes are out of the limits.
    """

    def __init__(self, path: Path, limit: int = limits.MAX_NPZ_BYTES) -> None:
        self.path = path
        try:
            if not path.is_file():
                raise UserError(f"{path} does not exist.", "Choose an existing file.")
            self._archive = zipfile.ZipFile(path)
        except _UNREADABLE as error:
            raise UserError(f"{path} is not a readable npz file: {error}.") from error
        try:
            self._entries = self._checked_entries(limit)
        except BaseException:
            self._archive.close()
            raise

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._entries)

    def __enter__(self) -> NpzReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._archive.close()

    def _checked_entries(self, limit: int) -> dict[str, zipfile.ZipInfo]:
        infos = self._archive.infolist()
        if len(infos) > limits.MAX_NPZ_ENTRIES:
            raise UserError(f"{self.path} holds too many arrays: {len(infos)}.")
        for info in infos:
            # Others, which numpy never writes, take memory as their header says
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise UserError(f"{self.path} is packed in a way that is not supported.")
        total = sum(info.file_size for info in infos)
        packed = sum(info.compress_size for info in infos)
        if total > limit:
            raise UserError(f"{self.path} is too large: {total} bytes when unpacked.")
        if total > limits.NPZ_RATIO_FROM_BYTES and total > limits.MAX_NPZ_RATIO * max(packed, 1):
            raise UserError(
                f"{self.path} is refused: {packed} bytes would unpack to {total}.",
                "Only open models and takes from people you trust.",
            )
        entries: dict[str, zipfile.ZipInfo] = {}
        for info in infos:
            name = info.filename.removesuffix(".npy")
            if name in entries:
                raise UserError(f"{self.path} holds the array {name!r} twice.")
            entries[name] = info
        return entries

    def _fail(self, name: str, reason: object) -> UserError:
        return UserError(f"{self.path}: the array {name!r} {reason}.")

    def form(self, name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Shape and type of an array from its header alone. Raises UserError."""
        info = self._entries.get(name)
        if info is None:
            raise self._fail(name, "is missing")
        try:
            with self._archive.open(info) as stream:
                shape, dtype, header = _read_header(stream)
        except _UNREADABLE as error:
            raise self._fail(name, f"cannot be read ({error})") from error
        if dtype.hasobject:
            raise self._fail(name, "holds Python objects, which are never read")
        if math.prod(shape) * dtype.itemsize + header != info.file_size:
            raise self._fail(name, "has another size than its header says")
        return shape, dtype

    def check_form(self, name: str, shape: tuple[int | None, ...], kind: str = "f") -> None:
        """Refuse an array of another form without reading it. Raises UserError."""
        refusal = ArrayForm(kind, shape).refusal(*self.form(name))
        if refusal:
            raise self._fail(name, refusal)

    def read(self, name: str, form: ArrayForm) -> AnyArray:
        """Read one array that has to fit ``form``; floats have to be finite. Raises UserError."""
        shape, dtype = self.form(name)
        refusal = form.refusal(shape, dtype)
        if refusal:
            raise self._fail(name, refusal)
        try:
            with self._archive.open(self._entries[name]) as stream:
                values = np.lib.format.read_array(stream, allow_pickle=False)
        except _UNREADABLE as error:
            raise self._fail(name, f"cannot be read ({error})") from error
        if dtype.kind == "f" and not np.isfinite(values).all():
            raise self._fail(name, "holds values that are not numbers")
        return values

    def floats(self, name: str, shape: tuple[int | None, ...]) -> AnyArray:
        """Read a float array as C-contiguous float32. Raises UserError."""
        with np.errstate(over="ignore"):
            found = self.read(name, ArrayForm("f", shape))
            values = np.ascontiguousarray(found, np.float32)
        if found.dtype.itemsize > values.itemsize and not np.isfinite(values).all():
            raise self._fail(name, "holds values that are too large")
        return values

    def integers(self, name: str, shape: tuple[int | None, ...]) -> AnyArray:
        """Read an integer array as int64. Raises UserError."""
        return np.ascontiguousarray(self.read(name, ArrayForm("iu", shape)), np.int64)

    def texts(self, name: str) -> tuple[str, ...]:
        """Read a list of texts (byte strings are UTF-8). Raises UserError."""
        values = self.read(name, ArrayForm("SU", (None,)))
        try:
            return tuple(
                value.decode("utf-8") if isinstance(value, bytes) else str(value)
                for value in values.tolist()
            )
        except UnicodeDecodeError as error:
            raise self._fail(name, "holds text that is not UTF-8") from error


def _read_header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any], int]:
    """Shape, type and header length in bytes of an npy stream."""
    start = stream.read(12)
    length = int.from_bytes(start[8:12], "little") if start[6:7] == b"\x02" else 0
    if length > limits.MAX_NPY_HEADER_BYTES:
        raise ValueError("its header is too long")
    stream.seek(0)
    version = np.lib.format.read_magic(stream)
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in readers:
        raise ValueError(f"npy version {version} is not supported")
    try:
        shape, _, dtype = readers[version](stream)
    except Exception as error:  # numpy reads it as Python source: any error of a parser may come
        raise ValueError("its header makes no sense") from error
    return shape, dtype, stream.tell()


def number_list(values: Mapping[str, Json], key: str, length: int, where: str) -> tuple[float, ...]:
    """``length`` finite numbers from a JSON object. Raises UserError naming ``where`` and key."""
    found = values.get(key)
    if (
        not isinstance(found, list)
        or len(found) != length
        or any(isinstance(n, bool) or not isinstance(n, (int, float)) for n in found)
    ):
        raise UserError(f"{where}: {key} has to be a list of {length} numbers.")
    return tuple(float(n) for n in found)
