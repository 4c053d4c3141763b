# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of players, pipelines and characters: free to be changed, never twice on one list."""

from __future__ import annotations

from typing import Any

from bpy.props import StringProperty

from .ids import free_name


def unique_name(about: str, collection: str, usual: str) -> Any:
    """A name that stays unique on a scene's list; an empty one becomes the usual one."""

    def renamed(item: Any, _context: Any) -> None:
        listed = getattr(item.id_data.facewright, collection)
        others = [each for each in listed if each.id != item.id]
        free = free_name(others, item.name.strip() or usual)
        if free != item.name:
            item.name = free

    return StringProperty(name="Name", description=about, update=renamed)
