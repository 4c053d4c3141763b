# SPDX-License-Identifier: GPL-3.0-or-later
"""Which folder of libraries a worker for a graphics processor is started with."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..core.runtimes import FOLDER, RUNTIME_OF_DEVICE, newest_fetched, unusable
from .places import PACKAGE, user_folder

AUTO = "auto"


def runtime_folder(device: str) -> Path | None:
    """The folder that goes first on the module path of a worker for this device.

    That is the one which the user chose in the preferences, else the newest that was fetched for
    this Python; None when the extension's own onnxruntime serves, or nothing better is there.
    "auto" takes CUDA's.
    """
    name = RUNTIME_OF_DEVICE.get("cuda" if device == AUTO else device)
    if name is None:
        return None
    chosen = chosen_folder(name)
    if chosen is not None:
        return None if unusable(chosen) else chosen
    return fetched_folder(name)


def chosen_folder(name: str) -> Path | None:
    """The folder that the user has chosen for a runtime, None when there is none."""
    addon = bpy.context.preferences.addons.get(PACKAGE)
    path = str(getattr(addon.preferences, f"{name}_folder", "")) if addon else ""
    return Path(bpy.path.abspath(path)).absolute() if path.strip() else None


def fetched_folder(name: str) -> Path | None:
    """The newest runtime of this name that was fetched whole for this Python."""
    return newest_fetched(user_folder(FOLDER), name)
