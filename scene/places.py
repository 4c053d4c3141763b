# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders: what the extension ships, and where it may write for its user."""

from __future__ import annotations

import os
import re
import tempfile
import tomllib
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import bpy

from ..core.errors import UserError

PACKAGE = __package__.rpartition(".")[0]
ROOT = Path(__file__).resolve().parent.parent
SAMPLE_VOICE = ROOT / "assets" / "sample_voice.flac"
BUILT_IN_MODEL = ROOT / "models" / "facewright"
TAKES = "facewright_takes"
PRESETS = ROOT / "presets"
_KNOWN_ID = re.compile(r"[0-9A-Za-z]+")
SETUPS = ROOT / "assets"  # of character transfers, built with the meshes that they are for


def user_folder(name: str = "") -> Path:
    """The extension's folder for its user's files, made when it is missing."""
    try:
        return Path(bpy.utils.extension_path_user(PACKAGE, path=name, create=True))
    except (ValueError, OSError):  # not installed as an extension, or not writable
        folder = Path(tempfile.gettempdir()) / "facewright" / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def model_folder(chosen: str) -> Path:
    """The chosen model's folder, or the built-in one's for none. Raises UserError."""
    folder = Path(bpy.path.abspath(chosen)).absolute() if chosen.strip() else BUILT_IN_MODEL
    if not os.path.isdir(folder):  # unlike Path's, says False to every text
        raise UserError(
            f"The model folder {folder} does not exist.", "Choose a folder that holds a model.json."
        )
    if not os.path.isfile(folder / "model.json"):
        raise UserError(
            f"The folder {folder} holds no model.json.", "Choose the folder of a model."
        )
    return folder


def take_path(take_id: str) -> Path:
    """Where a take is kept: beside the .blend, or in the user's folder if that is not possible."""
    if bpy.data.filepath:
        folder = Path(bpy.data.filepath).parent / TAKES
        with suppress(OSError):
            folder.mkdir(exist_ok=True)
            if os.access(folder, os.W_OK):
                return folder / f"{take_id}.npz"
    return user_folder("takes") / f"{take_id}.npz"


def recordings_folder(track_root: str) -> tuple[Path, str]:
    """Where recordings are saved, and how a .blend names that folder.

    The folder of the player's voices, else the one of the .blend, else one of the user's.
    """
    if track_root.strip():
        return Path(bpy.path.abspath(track_root)).absolute(), track_root
    if bpy.data.filepath:
        folder = Path(bpy.data.filepath).parent
        if os.access(folder, os.W_OK):
            return folder, "//"
    folder = user_folder("recordings")
    return folder, str(folder)


def take_files(take_id: str) -> list[Path]:
    """The files of a take that are there: itself and its point caches."""
    if not _KNOWN_ID.fullmatch(take_id):  # of a .blend that anybody may have made
        return []
    names = (f"{take_id}.npz", f"{take_id}_*.pc2")
    found = (path for folder in _take_folders() for name in names for path in folder.glob(name))
    return [path for path in found if path.is_file()]


def cache_path(take_id: str, name: str, others: Iterable[Path] = ()) -> Path | None:
    """The point cache of a take by its name, beside the .blend, in the user's folder or in one of
    ``others``; None when it is not there, or no cache of it."""
    if not _KNOWN_ID.fullmatch(take_id) or not name.startswith(f"{take_id}_"):
        return None
    if Path(name).name != name or not name.endswith(".pc2"):
        return None
    paths = (folder / name for folder in (*_take_folders(), *others))
    return next((path for path in paths if os.path.isfile(path)), None)


def _take_folders() -> list[Path]:
    """Where files of takes may be: beside the .blend and in the user's folder."""
    folders = [user_folder("takes")]
    if bpy.data.filepath:
        folders.insert(0, Path(bpy.data.filepath).parent / TAKES)
    return folders


@lru_cache(maxsize=1)
def extension_version() -> str:
    """The version in the extension's manifest; empty when it cannot be read."""
    with suppress(OSError, ValueError):
        text = (ROOT / "blender_manifest.toml").read_text(encoding="utf-8")
        return str(tomllib.loads(text).get("version", ""))
    return ""


def remove_take(path: str | Path) -> None:
    """Take away what a job has kept that did not come to its end."""
    with suppress(OSError):
        os.unlink(path)
