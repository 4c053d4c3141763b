# SPDX-License-Identifier: GPL-3.0-or-later
"""Drop-downs that link: which player feeds a pipeline, which pipeline drives a character."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from bpy.props import EnumProperty

from .changes import tell
from .ids import index_of

Rows = tuple[tuple[str, str], ...]


@lru_cache(maxsize=64)
def _items(rows: Rows, icon: str) -> list[tuple[str, str, str, str, int]]:
    """Blender keeps no reference to the texts of an enum, so somebody has to."""
    nothing = ("NONE", "None", "Not linked", "BLANK1", 0)
    return [
        nothing,
        *(
            (item_id, name, f"Link to {name}", icon, at)
            for at, (item_id, name) in enumerate(rows, start=1)
        ),
    ]


def link(label: str, about: str, field: str, collection: str, icon: str) -> Any:
    """A drop-down of a scene's ``collection`` that reads and writes the id in ``field``."""

    def listed(item: Any) -> Any:
        return getattr(item.id_data.facewright, collection)

    def items(item: Any, _context: Any = None) -> list[tuple[str, str, str, str, int]]:
        return _items(tuple((each.id, each.name) for each in listed(item)), icon)

    def get(item: Any) -> int:
        return index_of(listed(item), getattr(item, field)) + 1

    def put(item: Any, place: int) -> None:
        found = listed(item)
        setattr(item, field, found[place - 1].id if 0 < place <= len(found) else "")
        tell(item, field)

    return EnumProperty(name=label, description=about, items=items, get=get, set=put)
