# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the last model open, so that the next take does not wait for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..core.pipeline import LoadedModel

Mark = tuple[tuple[str, int, int], ...]


class KeptModel:
    """Holds one opened model; it is read again when its files have changed."""

    def __init__(self) -> None:
        self._key: tuple[str, int, Mark] | None = None
        self._loaded: LoadedModel | None = None

    def open(self, folder: str, threads: int) -> LoadedModel:
        """Return the model of ``folder``. Raises UserError when it cannot be used."""
        from ..core.pipeline import open_model

        key = (folder, threads, _mark(folder))
        if self._loaded is None or self._key != key:
            # the old one goes first: two may be too much for the memory
            self._loaded = self._key = None
            self._loaded = open_model(folder, threads)
            self._key = key
        return self._loaded


def _mark(folder: str) -> Mark:
    """Names, sizes and times (ns) of the folder's files; empty when it cannot be listed."""
    try:
        files = [(path, path.stat()) for path in sorted(Path(folder).iterdir())]
    except OSError:
        return ()
    return tuple((path.name, stat.st_size, stat.st_mtime_ns) for path, stat in files)
