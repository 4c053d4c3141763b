# SPDX-License-Identifier: GPL-3.0-or-later
"""Every text of the tool that Blender or a panel translates, found in the classes and sources.

Labels and tooltips come from what Blender has registered; what panels draw besides, and why
buttons are grey, are plain literals in the sources.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import bpy

KINDS = ("PropertyGroup", "AddonPreferences", "Operator", "Panel", "Menu")
DRAWN = re.compile(r"[A-Z][a-z]|A ")  # a text for people, no icon, property or class
NO_TEXTS = {"-", "Edit > Preferences > Add-ons > Facewright > Models"}  # part of an error
ITEM = 3  # identifier, name and description
REASONS = re.compile(r"_?(\w+_)?(reason|problem|missing)")  # functions that say why not


class Literal(NamedTuple):
    """A string of a source, and its line."""

    text: str
    line: int


def labels() -> dict[str, str]:
    """Names of classes, properties and items; each with where it was found."""
    found: dict[str, str] = {}
    for owner in _classes():
        _note(found, getattr(owner, "bl_label", ""), owner.__name__)
        for prop in _properties(owner):
            place = f"{owner.__name__}.{prop.identifier}"
            _note(found, prop.name, place)
            for item in _items(prop):
                _note(found, item.name, place)
    return found


def tooltips() -> dict[str, str]:
    """Descriptions of operators, properties and items."""
    found: dict[str, str] = {}
    for owner in _classes():
        if issubclass(owner, bpy.types.Operator):
            _note(found, _rna(owner).description, owner.__name__)
        for prop in _properties(owner):
            place = f"{owner.__name__}.{prop.identifier}"
            _note(found, prop.description, place)
            for item in _items(prop):
                _note(found, item.description, place)
    return found


def sentences(root: Path) -> dict[str, str]:
    """Texts that panels and dialogs draw themselves, and reasons why a button is grey."""
    found: dict[str, str] = {}
    for path in sorted((root / "panels").glob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        for node in _literals(tree):
            if DRAWN.match(node.text):
                _note(found, node.text, f"panels/{path.name}:{node.line}")
        for node in _calls(tree):
            found.setdefault(node.text, f"panels/{path.name}:{node.line}")
    for folder in ("operators", "properties"):
        for path in sorted((root / folder).glob("*.py")):
            for node in _shown_by(ast.parse(path.read_text("utf-8"))):
                if DRAWN.match(node.text):
                    _note(found, node.text, f"{folder}/{path.name}:{node.line}")
    return found


def _calls(tree: ast.AST) -> Iterator[Literal]:
    """What is handed to ``translated``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "translated":
            yield from _literals(node)


def _shown_by(tree: ast.Module) -> Iterator[Literal]:
    """Reasons, items of drop-downs that are made while running, and texts of dialogs."""
    for each in tree.body:
        if isinstance(each, ast.Assign) and isinstance(each.value, ast.Constant | ast.Tuple):
            yield from _literals(each.value)
    for node in ast.walk(tree):
        if isinstance(node, ast.Tuple) and len(node.elts) == ITEM:
            for part in node.elts[1:]:
                yield from _literals(part)
        if isinstance(node, ast.FunctionDef) and REASONS.fullmatch(node.name):
            yield from _literals(node)
        if isinstance(node, ast.keyword) and node.arg in ("text", "confirm_text"):
            yield from _literals(node.value)


def _literals(tree: ast.AST) -> Iterator[Literal]:
    """Plain strings: no docstrings, no parts of f-strings."""
    skipped: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            skipped.add(id(node.value))
        if isinstance(node, ast.JoinedStr):
            skipped.update(id(part) for part in node.values)
        if id(node) in skipped or not isinstance(node, ast.Constant):
            continue
        if isinstance(node.value, str):
            yield Literal(node.value, node.lineno)


def _note(found: dict[str, str], text: str, place: str) -> None:
    if text.strip() and not text.islower() and text not in NO_TEXTS:
        found.setdefault(text, place)


def _classes() -> list[Any]:
    """Our registered classes by name."""
    found: dict[str, Any] = {}
    waiting = [getattr(bpy.types, kind) for kind in KINDS]
    while waiting:
        below = waiting.pop().__subclasses__()
        waiting += below
        ours = [each for each in below if each.__name__.startswith("FACEWRIGHT_")]
        found.update((each.__name__, each) for each in ours if each.is_registered)
    return [found[name] for name in sorted(found)]


def _rna(owner: Any) -> Any:
    """What Blender knows of a class; of operators' properties and texts only this way."""
    if not issubclass(owner, bpy.types.Operator):
        return owner.bl_rna
    group, _, name = owner.bl_idname.partition(".")
    return getattr(getattr(bpy.ops, group), name).get_rna_type()


def _properties(owner: Any) -> list[Any]:
    """What a class registers and shows."""
    return [prop for prop in _rna(owner).properties if prop.is_runtime and not prop.is_hidden]


def _items(prop: Any) -> list[Any]:
    return list(prop.enum_items_static) if prop.type == "ENUM" else []


def wanted(root: Path) -> dict[str, str]:
    """All of them, each with a place where it is used."""
    return {**sentences(root), **tooltips(), **labels()}
