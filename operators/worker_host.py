# SPDX-License-Identifier: GPL-3.0-or-later
"""The workers of this Blender, one for each device that is asked for, for any number of faces.

The first job for a device starts its worker; all end with the extension. Nothing here waits, but
``stop``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.network.devices import AUTO, DEVICE_NAMES
from ..scene.places import user_folder
from ..scene.runtimes import runtime_folder

if TYPE_CHECKING:
    from ..providers.base import Ticket
    from ..providers.local import LocalWorker

_workers: dict[str, LocalWorker] = {}


def worker(device: str = "", threads: int = 0) -> LocalWorker:
    """The worker for a device; "" is the best that works here.

    ``threads`` is for the jobs that are handed in from now on; 0 chooses.
    """
    from ..providers.local import LocalWorker
    from ..providers.wheels import find_site_folder, shipped_versions

    key = _key(device)
    found = _workers.get(key)
    if found is None:
        name = "worker.log" if key == AUTO else f"worker-{key}.log"
        runtime = runtime_folder(key)
        versions = shipped_versions()
        if runtime:
            versions.pop("onnxruntime", None)
        found = _workers[key] = LocalWorker(
            find_site_folder(),
            str(user_folder("logs") / name),
            device=key,
            extra_folders=[str(runtime)] if runtime else [],
            versions=versions,
        )
    found.threads = threads
    return found


def _key(device: str) -> str:
    """What is no device at all is refused by the job, in a sentence."""
    return device if device in DEVICE_NAMES else AUTO


def workers() -> tuple[LocalWorker, ...]:
    """All that were asked for so far, whether their process runs or not."""
    return tuple(_workers.values())


def poll() -> bool:
    """Move all workers on; True while one has something to do, or has not ended yet."""
    for one in _workers.values():
        one.poll()
    return any(one.busy for one in _workers.values())


def free(model: str | None = None, device: str | None = None) -> list[Ticket]:
    """Have a model's folder let go, or all, when running work ends; on one device or, with None,
    on all.

    A worker that holds nothing then ends by itself. ``poll`` until the tickets are finished.
    """
    return [
        one.submit("free", {"model": model})
        for key, one in _workers.items()
        if one.pid is not None and (device is None or _key(device) == key)
    ]


def stop() -> None:
    """End the workers and wait until all are dead: on Windows they keep the wheels' files locked.

    All are asked to end before the first is waited for.
    """
    for one in _workers.values():
        one.let_go()
    for one in _workers.values():
        one.stop()
    _workers.clear()


def register() -> None:
    """Nothing to do: the first job starts the worker."""


def unregister() -> None:
    stop()
