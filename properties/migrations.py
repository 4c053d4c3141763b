# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings what a file holds to this version, and what a broken or hostile file holds to order.

A migration takes a scene from its version to the next. Scenes saved by a newer version are only
put in order: what this one does not know is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import bpy

from .ids import new_id
from .instances import UNSAVED, VERSION

MOST = 256  # of a list; every redraw looks at all of them
MIGRATIONS: dict[int, Callable[[Any], None]] = {}


def migrate(scenes: Iterable[bpy.types.Scene]) -> None:
    """Bring scenes to this version. Linked ones are their own file's business."""
    for scene in scenes:
        if scene.library is not None:
            continue
        chosen: Any = scene.facewright
        while chosen.version in MIGRATIONS and chosen.version < VERSION:
            MIGRATIONS[chosen.version](chosen)
            chosen.version += 1
        repair(chosen)


def repair(chosen: Any) -> None:
    """Cut lists that are too long, give missing ids, clear links that lead nowhere."""
    lists = (
        *(chosen.players, chosen.pipelines, chosen.characters, chosen.transfers),
        chosen.conversions,
    )
    for items in (*lists, *_inner_lists(chosen)):
        _cut(items)
    _reset_impossible(chosen)
    for items in lists:
        _give_ids(items)
    _clear_dangling(chosen.pipelines, "player_id", chosen.players)
    _clear_dangling(chosen.characters, "pipeline_id", chosen.pipelines)
    _keep_within(chosen, "active_pipeline", chosen.pipelines)
    _keep_within(chosen, "active_transfer", chosen.transfers)
    _keep_within(chosen, "active_conversion", chosen.conversions)
    for transfer in chosen.transfers:
        _keep_within(transfer, "active_pair", transfer.pairs)
    for owner in (*chosen.characters, *chosen.transfers):
        _keep_within(owner, "active_other", owner.others)


def _inner_lists(chosen: Any) -> Iterator[Any]:
    for owner in (*chosen.characters, *chosen.transfers):
        yield owner.others
    for transfer in chosen.transfers:
        yield transfer.pairs


def _keep_within(owner: Any, field: str, items: Any) -> None:
    """Let the number of a chosen item be one that the list has."""
    wanted = min(max(getattr(owner, field), 0), max(0, len(items) - 1))
    if wanted != getattr(owner, field):
        setattr(owner, field, wanted)


def _cut(items: Any) -> None:
    while len(items) > MOST:
        items.remove(len(items) - 1)


def _reset_impossible(group: Any) -> None:
    """Give what no version has ever saved its default again: numbers beyond their limits or none
    at all, choices that do not exist. Blender loads a file without looking."""
    for prop in group.bl_rna.properties:
        name = prop.identifier
        if name in UNSAVED:
            continue
        if prop.type == "COLLECTION":
            for item in getattr(group, name):
                _reset_impossible(item)
        elif prop.type == "POINTER" and isinstance(getattr(group, name), bpy.types.PropertyGroup):
            _reset_impossible(getattr(group, name))
        elif group.is_property_set(name) and not _is_possible(prop, getattr(group, name)):
            group.property_unset(name)


def _is_possible(prop: Any, value: Any) -> bool:
    if prop.type == "ENUM":
        return bool(value)
    if prop.type not in {"INT", "FLOAT"}:
        return True
    values = value if prop.is_array else (value,)
    return all(prop.hard_min <= each <= prop.hard_max for each in values)


def _give_ids(items: Any) -> None:
    seen: set[str] = set()
    for item in items:
        if not item.id or item.id in seen:
            item.id = new_id()
        seen.add(item.id)


def _clear_dangling(items: Any, field: str, linked: Any) -> None:
    known = {item.id for item in linked}
    for item in items:
        if getattr(item, field) and getattr(item, field) not in known:
            setattr(item, field, "")
