# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of each row in the output folder, so that a batch does only what is left.

``<output folder>/.facewright/rows/<output>.json`` is the record of a row, written after its files
are in place and taken away before they are replaced. A row is up to date when its record holds the
same mark, a hash of all that decides its files, and they are there in their sizes. Files are made
in ``.facewright/work``; what a killed process left there is cleared away by the next.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from .. import limits
from ..errors import UserError
from ..files import write_text
from ..safe_files import Json, read_json
from .manifest import OWN_FOLDER, Row
from .order import Order

FORMAT = 1  # raise it when the same row would give other files, so that all are made again
State = Literal["done", "failed"]


@dataclass(frozen=True)
class Record:
    """What came of a row. ``files`` sizes in bytes by name below the output folder."""

    state: State
    mark: str
    files: Mapping[str, int] = field(default_factory=dict)
    message: str = ""


def audio_sha256(path: str) -> str:
    """Hash of a voice's bytes; "" when they cannot be read, which working on it will explain."""
    try:
        if not os.path.isfile(path):
            return ""
        with open(path, "rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except (OSError, ValueError):
        return ""


def row_mark(
    row: Row,
    order: Order,
    audio: str,
    model: str,
    emotion_model: str = "",
    extra: Mapping[str, Json] | None = None,
) -> str:
    """A hash that is equal as long as a row gives the same files; "" when the voice is not known.

    ``audio`` ``audio_sha256`` of the voice; ``model`` and ``emotion_model`` sha256 of the folders
    that the order names (``models.loading.folder_sha256``), so that their places do not count;
    ``extra`` what else decides them, such as the .blend that a take is baked on. Device, threads
    and the row's number do not count. Raises UserError for values that no order has.
    """
    if not audio:
        return ""
    own = order.for_row(row)
    asked = own.to_mapping()
    asked["model"] = model
    asked["emotion"]["model"] = emotion_model if own.emotion.mode != "off" else ""
    voice: list[Json] = [audio, row.start_s, row.end_s, row.channel]
    parts: list[Json] = [FORMAT, row.output, voice, asked, row.character, dict(extra or {})]
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Ledger:
    """The records of one output folder, which is made when it is not there.

    Any number of processes, also of several machines, may work on one folder.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        """Raises UserError when the folder cannot be made."""
        self.folder = Path(os.path.abspath(folder))
        self._own = self.folder / OWN_FOLDER
        for place in (self._rows, self._work):
            _make(place)

    @property
    def _rows(self) -> Path:
        return self._own / "rows"

    @property
    def _work(self) -> Path:
        return self._own / "work"

    @property
    def reports(self) -> Path:
        """Folder for reports about faults of ours."""
        return self._own / "reports"

    def _path(self, row: Row) -> Path:
        return self._rows / f"{row.output}.json"

    def record(self, row: Row) -> Record | None:
        """What is known of a row; None when nothing is, or its record makes no sense."""
        try:
            return _record(read_json(self._path(row), limits.MAX_JSON_BYTES))
        except UserError:
            return None

    def is_done(self, row: Row, mark: str) -> bool:
        """Whether the row's files are there and are what would be made again."""
        found = self.record(row)
        if not mark or found is None or found.state != "done" or found.mark != mark:
            return False
        return bool(found.files) and all(
            _size(self.folder / name) == size for name, size in found.files.items()
        )

    def fail(self, row: Row, mark: str, message: str) -> None:
        """Remember that a row could not be done; that it cannot be remembered is no reason to stop.

        Where another process has done it meanwhile, that stays.
        """
        if self.is_done(row, mark):
            return
        with suppress(UserError):
            self._write(row, Record("failed", mark, {}, message))

    def forget(self, row: Row) -> None:
        """Have a row made again, also when it is up to date; its files stay until then."""
        with suppress(OSError, ValueError):
            self._path(row).unlink()

    @contextmanager
    def working(self) -> Iterator[Path]:
        """A folder of one's own in which the files of a row are made; gone afterwards."""
        folder = self._work / f"{_host()}-{os.getpid()}-{os.urandom(4).hex()}"
        _make(folder)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def put(self, row: Row, mark: str, made: Sequence[Path]) -> dict[str, int]:
        """Put files made in ``working`` in their places, all of them, and remember the row as done.

        Their names begin with the last part of the row's output, or are in a folder of the working
        folder. Returns their sizes by name below the output folder. Raises UserError; then the row
        is not done, though no file is half there.
        """
        target = (self.folder / row.output).parent
        _make(target)
        sizes: dict[str, int] = {}
        try:
            with suppress(FileNotFoundError):
                self._path(row).unlink()
            for path in made:
                place = target / path.name
                _take_over(place, path)
                sizes[place.relative_to(self.folder).as_posix()] = path.stat().st_size
                os.replace(path, place)
        except OSError as error:
            name = Path(error.filename2 or error.filename or row.output).name
            raise UserError(
                f"{target / name} cannot be written: {error.strerror or error}.",
                "Check the free space, the permissions of the folder, and whether a program has the"
                " file open.",
            ) from error
        self._write(row, Record("done", mark, sizes))
        return sizes

    def _write(self, row: Row, record: Record) -> None:
        path = self._path(row)
        _make(path.parent)
        values = {
            "format": FORMAT,
            "audio": row.audio,
            "state": record.state,
            "mark": record.mark,
            "files": dict(record.files),
            "message": record.message,
        }
        with self.working() as folder:
            write_text(folder / path.name, json.dumps(values, indent=1) + "\n")
            try:
                os.replace(folder / path.name, path)
            except OSError as error:
                raise UserError(f"{path} cannot be written: {error.strerror}.") from error

    def clear(self) -> None:
        """Take away what processes of this machine that are no more have left half made."""
        mine = f"{_host()}-"
        with suppress(OSError):
            for path in self._work.iterdir():
                pid = path.name.removeprefix(mine).partition("-")[0]
                if path.name.startswith(mine) and pid.isdigit() and not _is_alive(int(pid)):
                    shutil.rmtree(path, ignore_errors=True)


def _record(values: dict[str, Json]) -> Record | None:
    state, mark, files = values.get("state"), values.get("mark"), values.get("files")
    if state not in ("done", "failed") or not isinstance(mark, str) or not isinstance(files, dict):
        return None
    if not all(type(size) is int for size in files.values()):
        return None
    return Record(state, mark, files, str(values.get("message", "")))


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(
            f"The folder {folder} cannot be made: {reason}.", "Choose another output folder."
        ) from error


def _take_over(place: Path, path: Path) -> None:
    """Give a new file the permissions of the one that it replaces. Raises UserError, OSError."""
    if place.is_dir():
        raise UserError(f"{place} cannot be written: it is a folder.", "Rename one of the two.")
    if not place.exists():
        return
    if not os.access(place, os.W_OK):
        raise UserError(f"{place} cannot be written: it is read-only.", "Allow writing to it.")
    os.chmod(path, stat.S_IMODE(place.stat().st_mode))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else -1
    except (OSError, ValueError):
        return -1


def _host() -> str:
    """This machine, and on Linux this container: numbers of processes hold within it alone."""
    name = "".join(one for one in socket.gethostname() if one.isalnum())[:40]
    space = ""
    with suppress(OSError):
        space = "".join(one for one in os.readlink("/proc/self/ns/pid") if one.isdigit())
    return f"{name or 'machine'}{space}"


def _is_alive(pid: int) -> bool:
    """Whether a process of that number may be there."""
    if os.name == "nt":
        import ctypes

        kernel = getattr(ctypes, "windll").kernel32  # noqa: B009 - Windows alone has it
        handle = kernel.OpenProcess(0x1000, False, pid)
        if handle:
            kernel.CloseHandle(handle)
        return bool(handle)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
