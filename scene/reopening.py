# SPDX-License-Identifier: GPL-3.0-or-later
"""A file that is begun with again and again: what happened to the scene since is forgotten.

Every reference to data of Blender is void after ``again``.
"""

from __future__ import annotations

from pathlib import Path

import bpy

from ..core.errors import UserError
from .refusals import reason_of


def save_copy(path: Path) -> None:
    """Save a copy of the present file, with what is not saved yet. Raises UserError."""
    try:
        bpy.ops.wm.save_as_mainfile(
            filepath=str(path), copy=True, compress=False, check_existing=False
        )
    except RuntimeError as error:  # what an operator of Blender reports
        raise UserError(f"A copy of the .blend cannot be saved: {reason_of(error)}.") from error


def is_saved() -> bool:
    """Whether the present file is on the disk as it is. Without a window Blender cannot tell."""
    known = bool(bpy.data.filepath) and not bpy.app.background and not bpy.data.is_dirty
    return known and Path(bpy.data.filepath).is_file()


class Beginning:
    """The file that is open, as it is on the disk, and the name of its ``scene`` ("": that which is
    shown); a file that never was saved is taken as it is now, in a copy in ``folder``.

    Raises UserError when that cannot be saved, and for a scene that is not there.
    """

    def __init__(self, folder: Path, scene: str = "") -> None:
        self._trusted = not bpy.app.autoexec_fail
        if scene:
            show_scene(scene)
        self.scene = scene
        self.path = Path(bpy.data.filepath)
        if not bpy.data.filepath:
            self.path = folder / "beginning.blend"
            save_copy(self.path)
        self._untouched = True

    def again(self, other: str = "") -> None:
        """Have Blender as it was in the beginning, or with the ``other`` file. Raises UserError."""
        untouched, self._untouched = self._untouched and not other, False
        if untouched:
            return
        path = Path(other) if other else self.path
        if not path.is_file():
            raise UserError(f"The file {path} does not exist.", "Check its name.")
        try:
            bpy.ops.wm.open_mainfile(
                filepath=str(path), load_ui=False, use_scripts=self._trusted and not other
            )
        except RuntimeError as error:
            raise UserError(f"{path.name} cannot be opened: {reason_of(error)}.") from error
        if self.scene and not other:
            show_scene(self.scene)


def show_scene(name: str) -> None:
    """Make a scene of the file the one that operators work on. Raises UserError."""
    scene = bpy.data.scenes.get(name)
    if scene is None:
        listed = ", ".join(each.name for each in bpy.data.scenes)
        raise UserError(f"The file has no scene '{name}'.", f"It has: {listed}.")
    window = bpy.context.window or bpy.context.window_manager.windows[0]
    window.scene = scene
