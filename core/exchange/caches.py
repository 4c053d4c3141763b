# SPDX-License-Identifier: GPL-3.0-or-later
"""Geometry caches of all formats: one table, and one way to write them.

Frames go to the disk as they come, so that memory stays flat; all files of an export are put in
place together, whole, or none is.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ..errors import UserError
from ..file_names import cleaned_name
from ..files import atomic_paths, flush
from . import maya_cache, mdd, pc2, usd_points
from .point_cache import BLENDER, MAYA, Block, CacheClip, Space, Write, once_each

Filling = Callable[[Sequence[Path], CacheClip], AbstractContextManager[Write]]
_BYTES_PER_POINT = 12
_FLUSH_BYTES = 8 << 20


@dataclass(frozen=True)
class CacheFormat:
    """A kind of cache: its files' ``endings``, whether one file takes all meshes ``together``, its
    ``space``, and what fills the files; ``filling`` is None where Blender's exporter writes it."""

    title: str
    endings: tuple[str, ...]
    space: Space = BLENDER
    together: bool = False
    filling: Filling | None = None


FORMATS = {
    "USD": CacheFormat(
        "USD Point Cache", (".usdc",), together=True,
        filling=partial(usd_points.filling, space=BLENDER),
    ),
    "USD_MAYA": CacheFormat(
        "USD Point Cache, Y Up", (".usdc",), MAYA, together=True,
        filling=partial(usd_points.filling, space=MAYA),
    ),
    "MC": CacheFormat(
        "Maya Cache (.mc)", (".mc", ".xml"), MAYA,
        filling=partial(maya_cache.filling, kind=maya_cache.MCC),
    ),
    "MCX": CacheFormat(
        "Maya Cache (.mcx)", (".mcx", ".xml"), MAYA,
        filling=partial(maya_cache.filling, kind=maya_cache.MCX),
    ),
    "PC2": CacheFormat("PC2", (".pc2",), filling=pc2.filling),
    "MDD": CacheFormat("MDD", (".mdd",), filling=mdd.filling),
    "ALEMBIC": CacheFormat("Alembic", (".abc",), together=True),
}  # fmt: skip


def files_of(base: str | os.PathLike[str], kind: str, names: Sequence[str]) -> list[list[Path]]:
    """The files of each cache that meshes of these names make, for a path without ending: one
    cache together, or one a mesh, which has the mesh's name at its end when there are several;
    where all these names begin with the path's, they are the files' as they are.

    Raises UserError for a name that no file can have."""
    base, chosen = Path(base), FORMATS[kind]
    stems = [base.name]
    if not chosen.together and len(names) > 1:
        stems = once_each(cleaned_name(each) or "_" for each in names)
        if not all(stem.startswith(base.name) for stem in stems):
            stems = [f"{base.name}_{stem}" for stem in stems]
    return [[base.with_name(stem + ending) for ending in chosen.endings] for stem in stems]


@contextmanager
def writing(base: str | os.PathLike[str], kind: str, clip: CacheClip) -> Iterator[Write]:
    """Give a function that takes the next frames of all meshes, until there are ``clip.frames``.

    ``base`` is a path without ending, ``kind`` a key of ``FORMATS``. The files are there when the
    body has ended; when it raises, all are as they were. Raises UserError.
    """
    chosen = FORMATS[kind]
    if chosen.filling is None:
        raise ValueError(f"{kind} is written by Blender")
    if not clip.meshes:
        raise UserError("There is no mesh to write.", "Choose one.")
    caches = files_of(base, kind, [mesh.name for mesh in clip.meshes])
    parts = [clip] if chosen.together else [replace(clip, meshes=(mesh,)) for mesh in clip.meshes]
    paths = [path for files in caches for path in files]
    with atomic_paths(paths) as temporary, ExitStack() as open_files:
        check_room(caches[0][0], sum(mesh.points for mesh in clip.meshes) * clip.frames)
        each, waiting = len(chosen.endings), 0
        writes = [
            open_files.enter_context(chosen.filling(temporary[at * each : (at + 1) * each], part))
            for at, part in enumerate(parts)
        ]

        def write(blocks: Sequence[Block]) -> None:
            nonlocal waiting
            if not chosen.together:  # these have points alone
                blocks = [Block(block.points) for block in blocks]
            turned = [chosen.space.block(clip, block) for block in blocks]
            if chosen.together:
                writes[0](turned)
            else:
                for own, block in zip(writes, turned, strict=True):
                    own([block])
            waiting += sum(block.points.nbytes for block in turned)
            if waiting > _FLUSH_BYTES:  # else all of it is waited for at once in the end
                waiting = 0
                for path in temporary[::each]:  # the points; a description is done
                    flush(path)

        yield write


def check_room(path: Path, points: int) -> None:
    """Raises UserError when the disk has no room for so many points, before any work is done."""
    needed = points * _BYTES_PER_POINT
    try:
        usage = shutil.disk_usage(path.parent)
    except OSError:
        return  # some network drives do not tell; what is wrong is said when the file is written
    if usage.total and needed > usage.free:
        raise UserError(
            f"{path} cannot be written: it takes {_size(needed)}, {_size(usage.free)} are free.",
            "Make room, write fewer frames, or choose another folder.",
        )


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
