# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of every element of the tool, made from the properties and operators themselves.

Each panel is drawn with a layout that notes what it is given, in a scene that shows as much as
possible; what Blender knows of the property or operator is the row.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import bpy

HEADER = """# Every element of Facewright

Made by `python3 tools/dev.py manual` from the properties and operators themselves, and compared
with them by a test. A value that is not set by hand is the model's own; where the model says
nothing, it is the default of this table.
"""
PLACES = {"VIEW_3D": "3D Viewport > Sidebar > Facewright", "PREFERENCES": "Preferences > Add-ons"}


class Notes:
    """A layout that notes properties and operators, in the order in which they are drawn."""

    def __init__(self, rows: dict[tuple[str, str], Any]) -> None:
        self.__dict__["rows"] = rows

    def __setattr__(self, name: str, value: Any) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        def draw(*args: Any, **options: Any) -> Any:
            if name in ("prop", "prop_search", "template_ID"):
                self._property(args[0], args[1])
            elif name in ("operator", "operator_menu_enum"):
                self.rows.setdefault(("operator", args[0]), None)
                return SimpleNamespace()
            elif name == "menu":
                menu = getattr(bpy.types, args[0], None)
                if menu is not None and hasattr(menu, "draw") and args[0].startswith("FACEWRIGHT"):
                    menu.draw(SimpleNamespace(layout=self), bpy.context)
            elif name == "template_list":
                self._list(*args[:4])
            return (self, self) if name == "panel" else self

        return draw

    def _property(self, data: Any, name: str) -> None:
        # The last: a ``name`` of our own comes after that of every property group
        prop = next((p for p in list(data.bl_rna.properties)[::-1] if p.identifier == name), None)
        if prop is not None and data.bl_rna.identifier.startswith("FACEWRIGHT"):
            self.rows.setdefault((data.bl_rna.identifier, name), prop)

    def _list(self, kind: str, _id: str, data: Any, name: str) -> None:
        drawer = getattr(bpy.types, kind, None)
        for place, item in enumerate(getattr(data, name)):
            if drawer is not None and kind.startswith("FACEWRIGHT"):
                drawer.draw_item(drawer, bpy.context, self, data, item, 0, data, "", place)


def panels() -> list[Any]:
    """Every panel of ours in the order of the sidebar; the sub-panels follow their parents."""
    ours = [
        panel
        for panel in bpy.types.Panel.__subclasses__()
        if panel.__name__.startswith("FACEWRIGHT_PT_")
    ]
    ours.sort(key=lambda panel: getattr(panel, "bl_order", 0))
    listed: list[Any] = []

    def add(parent: str) -> None:
        for panel in ours:
            if getattr(panel, "bl_parent_id", "") == parent:
                listed.append(panel)
                add(getattr(panel, "bl_idname", panel.__name__))

    add("")
    return listed


def title(panel: Any) -> str:
    """The panel's name with those of its parents, as one finds it in the sidebar."""
    parent = getattr(panel, "bl_parent_id", "")
    above = next((each for each in panels() if _idname(each) == parent), None)
    if above is None or not getattr(above, "bl_parent_id", ""):
        return str(panel.bl_label)
    return f"{title(above)} > {panel.bl_label}"


def _idname(panel: Any) -> str:
    return str(getattr(panel, "bl_idname", panel.__name__))


def note(panel: Any, rows: dict[tuple[str, str], Any], context: Any) -> None:
    """Draw a panel in the present state, and note what is new."""
    stand_in = SimpleNamespace(layout=Notes(rows))
    if hasattr(panel, "poll") and not panel.poll(context):
        return
    for name in ("draw_header", "draw_header_preset", "draw"):
        if name in vars(panel) or name == "draw":
            getattr(panel, name)(stand_in, context)


def table(rows: dict[tuple[str, str], Any]) -> Iterator[str]:
    """The lines of one panel's table."""
    yield "| element | what it does | range | default |"
    yield "|---|---|---|---|"
    for (owner, name), prop in rows.items():
        if owner == "operator":
            group, _, function = name.partition(".")
            rna = getattr(getattr(bpy.ops, group), function).get_rna_type()
            about = plain(rna.description)
            yield f"| **{rna.name}** (button) | {about} | `bpy.ops.{name}` | |"
        else:
            yield f"| {prop.name} | {plain(prop.description)} | {_range(prop)} | {_default(prop)} |"


def plain(text: str) -> str:
    text = " ".join(text.split()).replace("|", "/")
    # What Blender itself says of a name has another end from 5.0 on
    return text.split(", can be re-defined in Python")[0]


def _range(prop: Any) -> str:
    if prop.type == "BOOLEAN":
        return "on, off"
    if prop.type == "ENUM":
        names = [item.name for item in prop.enum_items]
        return ", ".join(names) if names else "as listed"
    if prop.type in ("FLOAT", "INT"):
        low, high = prop.hard_min, prop.hard_max
        unit = " s" if prop.unit.startswith("TIME") else ""
        if high - low > 1e8:
            return "any number" if low < 0 else f"from {low:g}{unit}"
        return f"{low:g} to {high:g}{unit}"
    return {"POINTER": "as listed", "STRING": "text"}.get(prop.type, "")


def _default(prop: Any) -> str:
    if prop.type == "BOOLEAN":
        return "on" if prop.default else "off"
    if prop.type == "ENUM":
        found = {item.identifier: item.name for item in prop.enum_items}
        return found.get(prop.default, "")
    if prop.type in ("FLOAT", "INT"):
        return f"{prop.default:g}"
    return str(prop.default) if prop.type == "STRING" and prop.default else ""
