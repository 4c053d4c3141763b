# SPDX-License-Identifier: GPL-3.0-or-later
"""The faces of a pipeline that show what comes, and look as before when nothing comes any more."""

from __future__ import annotations

from typing import Any

import bpy

from ..core.errors import Cancelled, UserError
from ..core.face.track import FaceTrack
from ..properties.ids import find
from ..scene.frames import Look, edited, give_back, look_of, show_frame
from .chosen import character_parts


class Followers:
    """``problems`` says which face does not follow, and why."""

    def __init__(self, pipeline_id: str) -> None:
        self.pipeline_id = pipeline_id
        self.problems: dict[str, str] = {}
        self._looks: dict[tuple[str, str], Look] = {}  # by character and its mesh

    def show(self, scene: bpy.types.Scene, frame: FaceTrack) -> None:
        """Show a frame on every face that is there. One that has left looks as before."""
        chosen: Any = scene.facewright
        pipeline = find(chosen.pipelines, self.pipeline_id)
        followed: set[tuple[str, str]] = set()
        self.problems.clear()
        for one in chosen.characters_of(pipeline):
            key = (one.id, str(one.skin.session_uid) if one.skin else "")
            followed.add(key)
            try:
                character = character_parts(one, frame.head is not None).character(frame.names)
                if name := edited(character):
                    followed.discard(key)
                    raise UserError(f"It does not follow while '{name}' is edited.")
                if key not in self._looks:
                    self._looks[key] = look_of(character, frame)
                self._looks[key].note()
                show_frame(character, frame)
            except (UserError, Cancelled) as error:
                self.problems[one.id] = f"{one.name}: {' '.join(str(error).split())}"
        for key in [key for key in self._looks if key not in followed]:
            give_back(self._looks.pop(key))

    def look_as_before(self) -> bool:
        """For a while: what is shown next is shown again. True where a take moves a face."""
        moved = [give_back(look) for look in self._looks.values()]
        return any(moved)

    def leave(self) -> bool:
        """All look as before, for good. True where a take moves one of them."""
        moved = self.look_as_before()
        self._looks.clear()
        return moved

    def forget(self) -> None:
        """The faces are gone, with all that there was."""
        self._looks.clear()

    @property
    def shown(self) -> bool:
        """Whether a face shows something that has to be taken back."""
        return bool(self._looks)
