# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for Blender's layouts, so that tests can read what a panel draws."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import bpy


class Layout:
    """Takes what panels draw, refuses what this Blender's layouts do not know, keeps the texts."""

    def __init__(self, shown: list[str]) -> None:
        self.__dict__["shown"] = shown

    def __setattr__(self, name: str, value: Any) -> None:
        assert name in bpy.types.UILayout.bl_rna.properties, name

    def __getattr__(self, name: str) -> Any:
        known = bpy.types.UILayout.bl_rna.functions[name].parameters.keys()

        def draw(*args: Any, **options: Any) -> Any:
            assert set(options) <= set(known), (name, options)
            if name in ("prop", "prop_search", "template_ID"):
                assert hasattr(args[0], args[1]), args
            if name == "prop_search":
                assert hasattr(args[2], args[3]), args
            if name == "operator":
                group, _, function = args[0].partition(".")
                rna = getattr(getattr(bpy.ops, group), function).get_rna_type()
                self.shown.append(options.get("text", rna.name))
                return SimpleNamespace()
            self.shown.append(str(options.get("text", args[1] if len(args) > 1 else "")))
            return (
                (Layout(self.shown), Layout(self.shown)) if name == "panel" else Layout(self.shown)
            )

        return draw
