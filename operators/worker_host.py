# SPDX-License-Identifier: GPL-3.0-or-later
"""The one worker of this Blender: started by the first job, ended with the extension."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..scene.places import user_folder

if TYPE_CHECKING:
    from ..providers.local import LocalWorker


@dataclass
class _Host:
    worker: LocalWorker | None = None
    threads: int = 0


_host = _Host()


def worker(threads: int = 0) -> LocalWorker:
    """The worker's provider. ``threads`` 0 lets it choose; a change starts a new worker."""
    from ..providers.local import LocalWorker
    from ..providers.wheels import find_site_folder

    if _host.worker is not None and _host.threads != threads:
        stop()
    if _host.worker is None:
        log = user_folder("logs") / "worker.log"
        _host.worker = LocalWorker(find_site_folder(), str(log), threads=threads or None)
        _host.threads = threads
    return _host.worker


def stop() -> None:
    """End the worker and wait until it is dead: on Windows it keeps the wheels' files locked."""
    if _host.worker is not None:
        _host.worker.stop()
        _host.worker = None


def register() -> None:
    """Nothing to do: the first job starts the worker."""


def unregister() -> None:
    stop()
