# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing files so that nothing is ever half-written.

A file is written beside its place under another name and put in place by one rename. The new file
has the permissions that a plainly created one would have (or those of the file it replaces).
"""

from __future__ import annotations

import os
import stat
import zipfile
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from .arrays import AnyArray
from .errors import UserError


def _reason(error: OSError) -> str:
    return error.strerror or error.__class__.__name__


def _checked_target(path: str | os.PathLike[str]) -> Path:
    target = Path(path)
    try:
        target = Path(os.path.realpath(path))
        if not target.parent.is_dir():
            raise UserError(
                f"{target.name} cannot be written: the folder {target.parent} does not exist.",
                "Create the folder or choose another.",
            )
        if target.exists():
            if not stat.S_ISREG(target.stat().st_mode):
                raise UserError(
                    f"{target} cannot be written: it is not a file.", "Choose a file name."
                )
            if not os.access(target, os.W_OK):
                raise UserError(
                    f"{target} cannot be written: it is read-only.", "Choose another file name."
                )
    except (OSError, ValueError) as error:
        raise UserError(f"{target.name} cannot be written: {error}.") from error
    return target


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a path in the same folder with the same suffix; put it in place when the body ends.

    When the body raises, the temporary file is removed and the old file, if any, stays as it was.
    Raises UserError when the place cannot be written.
    """
    with atomic_paths((path,)) as (temporary,):
        yield temporary


@contextmanager
def atomic_paths(paths: Sequence[str | os.PathLike[str]]) -> Iterator[tuple[Path, ...]]:
    """``atomic_path`` for files that belong together: all are put in place, or none."""
    targets = [_checked_target(path) for path in paths]
    pairs: list[tuple[Path, Path]] = []
    try:
        for target in targets:
            pairs.append((_beside(target, "part"), target))
            os.close(os.open(pairs[-1][0], os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            if target.exists():
                os.chmod(pairs[-1][0], stat.S_IMODE(target.stat().st_mode))
        yield tuple(temporary for temporary, _target in pairs)
        for temporary, _target in pairs:
            flush(temporary)
        _put_in_place(pairs)
    except OSError as error:
        named = (error.filename, error.filename2)
        meant = [target for temporary, target in pairs if {str(temporary), str(target)} & {*named}]
        raise UserError(
            f"{(meant or targets)[0]} cannot be written: {_reason(error)}.",
            "Check the free space, the permissions of the folder, and whether another program "
            "has the file open.",
        ) from error
    finally:
        for temporary, _target in pairs:
            with suppress(OSError):
                temporary.unlink()


def _beside(target: Path, word: str) -> Path:
    """A name that no file has, in the same folder and with the same suffix."""
    return target.with_name(f".{target.stem[:80]}.{os.urandom(4).hex()}.{word}{target.suffix}")


def _put_in_place(pairs: Sequence[tuple[Path, Path]]) -> None:
    """Rename all; where one cannot be, those before it are as they were."""
    done: list[tuple[Path, Path | None]] = []
    try:
        for temporary, target in pairs:
            kept = _beside(target, "old") if len(pairs) > 1 and target.exists() else None
            if kept is not None:
                os.replace(target, kept)
            done.append((target, kept))
            os.replace(temporary, target)
    except OSError:
        for target, kept in reversed(done if len(pairs) > 1 else ()):
            with suppress(OSError):
                if kept is None:
                    target.unlink(missing_ok=True)
                else:
                    os.replace(kept, target)
        raise
    for _target, kept in done:
        if kept is not None:
            with suppress(OSError):
                kept.unlink()


def flush(path: Path) -> None:
    """Wait until what is written to a file so far is on the disk. Raises OSError."""
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Write ``data`` to ``path``, whole or not at all. Raises UserError."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write ``text`` as UTF-8 with plain line feeds, whole or not at all. Raises UserError."""
    write_bytes(path, text.encode("utf-8"))


def write_pieces(
    path: str | os.PathLike[str], pieces: Iterable[str]
) -> Generator[None, None, None]:
    """Write text piece by piece, as ``write_text`` does at once, yielding after each; closed before
    its end it leaves nothing behind. Raises UserError."""
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        for piece in pieces:
            stream.write(piece.encode("utf-8"))
            yield


def write_npz(path: str | os.PathLike[str], arrays: Mapping[str, AnyArray]) -> None:
    """Write named arrays as an uncompressed npz with the same bytes for the same arrays.

    Raises UserError when it cannot be written, ValueError for arrays of Python objects.
    """
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, values in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            with archive.open(entry, "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, np.ascontiguousarray(values), allow_pickle=False)
