# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes of a pipeline: what baking does with the take before, and which one the list shows."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import EnumProperty, IntProperty, StringProperty

from ..core.take_label import NEW, NLA, REPLACE, TakeLabel

UP_TO_DATE, OUTDATED, NOT_BAKED = "Up to date", "Outdated", "Not baked"


def belongs(label: TakeLabel | None, characters: list[Any]) -> bool:
    """Whether a take is of one of these characters."""
    if label is None:
        return False
    if label.character_id:
        return any(one.id == label.character_id for one in characters)
    return any(one.skin is not None and one.skin.name == label.face for one in characters)


def chosen_take(takes: Any) -> bpy.types.Action | None:
    """The action that is chosen in the list; None when none is."""
    place = takes.index
    return bpy.data.actions[place] if 0 <= place < len(bpy.data.actions) else None


def _get_index(self: Any) -> int:
    """The action's number in this session stands for it: names and places in the list change."""
    chosen = self.chosen
    for place, action in enumerate(bpy.data.actions) if chosen else ():
        if str(action.session_uid) == chosen:
            return place
    return -1


def _set_index(self: Any, place: int) -> None:
    actions = bpy.data.actions
    self.chosen = str(actions[place].session_uid) if 0 <= place < len(actions) else ""


class FACEWRIGHT_PG_takes(bpy.types.PropertyGroup):
    """How a pipeline's takes are baked, and which one the list shows"""

    bake: EnumProperty(
        name="Bake To",
        description="What becomes of the take that a face has when it gets a new one",
        items=(
            (
                REPLACE,
                "Replace",
                "The new take takes the place of the one before, which is deleted. An action of "
                "yours is kept in the file",
            ),
            (
                NEW,
                "New Action",
                "The new take gets an action of its own; those before stay in the list of takes "
                "and can be activated again",
            ),
            (
                NLA,
                "NLA Strip",
                "The new take becomes a strip on a track of its own, which plays at its frames "
                "only. An action of yours stays active and goes before the strip where both move "
                "the same; a take that was active is taken off, so that the strip is seen",
            ),
        ),
        default=REPLACE,
        options=set(),
    )
    chosen: StringProperty(
        name="Take",
        description="Number in this session of the take that the list shows",
        options={"SKIP_SAVE", "HIDDEN"},
    )
    index: IntProperty(
        name="Take",
        description="Place of the chosen take among the file's actions",
        get=_get_index,
        set=_set_index,
        options={"SKIP_SAVE"},
    )


register, unregister = bpy.utils.register_classes_factory((FACEWRIGHT_PG_takes,))
