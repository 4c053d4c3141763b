# SPDX-License-Identifier: GPL-3.0-or-later
"""Remembering data-blocks while Blender's user goes on working.

A Python object of Blender is invalid after undo, loading a file or deleting what it stands for,
and using it can crash. Work that lasts longer than one call keeps references instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy

from ..core.errors import Cancelled
from .versions import session_uid


class SceneChanged(Cancelled):
    """Something that a running job needs is gone; the sentence names it."""


@dataclass(frozen=True)
class Reference:
    """A data-block by its list in ``bpy.data``, name and number in this session."""

    collection: str
    name: str
    uid: int

    def find(self) -> Any | None:
        """The data-block, also when it was renamed or restored by undo; None when it is gone."""
        blocks = getattr(bpy.data, self.collection)
        block = blocks.get(self.name)
        if block is not None and session_uid(block) == self.uid:
            return block
        return next((block for block in blocks if session_uid(block) == self.uid), None)

    def get(self) -> Any:
        """The data-block; raises SceneChanged when it is gone."""
        block = self.find()
        if block is None:
            raise SceneChanged(f"Stopped: '{self.name}' no longer exists.")
        return block


_COLLECTIONS: tuple[tuple[type, str], ...] = (
    (bpy.types.Object, "objects"),
    (bpy.types.Key, "shape_keys"),
    (bpy.types.Scene, "scenes"),
    (bpy.types.Action, "actions"),
    (bpy.types.Sound, "sounds"),
)


def reference(block: Any) -> Reference:
    """The reference to a data-block of one of the kinds above."""
    for kind, collection in _COLLECTIONS:
        if issubclass(type(block), kind):
            return Reference(collection, str(block.name), session_uid(block))
    raise TypeError(f"no list of bpy.data is known for {type(block).__name__}")
