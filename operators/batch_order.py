# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panel asks of a batch: its rows and its order, from the shown pipeline."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ..core.errors import UserError
from ..core.take_label import VERTICES
from ..properties.batch import BAKED, KINDS
from ..properties.ids import index_of
from ..properties.library import BUILT_IN_EMOTION
from ..properties.pipeline import models_problem, people_of
from ..scene.emotion_curves import has_keys
from ..scene.rates import parse_rate, scene_rate
from .chosen import character_parts, emotion_with
from .exports import export_folder
from .faults import sentence

if TYPE_CHECKING:
    from ..core.batch.manifest import Row
    from ..core.batch.order import Order

KEYS_LEFT_OUT = (
    "The emotion timeline belongs to the shown voice: all voices get the strengths of the sliders"
)

ONLY_KEYS = "A batch moves the character's shape keys, not its vertices"


def source_problem(scene: bpy.types.Scene) -> str:
    """Why there are no voices, as one phrase; empty when some are named."""
    chosen: Any = scene.facewright
    batch, player = chosen.batch, chosen.player_of(chosen.pipeline)
    if batch.source == "FOLDER":
        return "" if batch.folder.strip() else "Choose a folder of voices first"
    if batch.source == "MANIFEST":
        return "" if batch.manifest.strip() else "Choose a manifest first"
    if player is None:
        return "Choose a player first"
    return "" if player.track_root.strip() else "Choose the player's folder first"


def order_problem(scene: bpy.types.Scene) -> str:
    """Why a batch cannot begin, as one phrase; empty when it can."""
    chosen: Any = scene.facewright
    pipeline, kinds = chosen.pipeline, chosen.batch.formats(KINDS)
    if pipeline is None:
        return "Add a pipeline first"
    if source_problem(scene):
        return source_problem(scene)
    if not kinds:
        return "Tick a kind of file first"
    try:
        export_folder(chosen.exports.directory)
        if set(kinds) & set(BAKED):
            if not chosen.characters_of(pipeline):
                return "Add a character first"
            for one in chosen.characters_of(pipeline):
                character_parts(one, pipeline.head_motion)
    except UserError as error:
        return sentence(error)
    return models_problem(pipeline)


def notices_for(scene: bpy.types.Scene) -> list[str]:
    """What is worth knowing before a batch begins."""
    chosen: Any = scene.facewright
    if chosen.pipeline is None:
        return []
    found = []
    if has_keys(scene, index_of(chosen.pipelines, chosen.pipeline.id)):
        found.append(KEYS_LEFT_OUT)
    if chosen.pipeline.output == VERTICES and set(chosen.batch.formats(BAKED)):
        found.append(ONLY_KEYS)
    return found


def order_of(scene: bpy.types.Scene) -> Order:
    """The shown pipeline's model, settings and emotion, and the files that are ticked. Raises
    UserError."""
    from ..core.batch.fields import BUILT_IN
    from ..core.batch.order import Order
    from ..core.emotion.source import EmotionSource
    from ..core.exchange.channel_map import read_channel_map

    chosen: Any = scene.facewright
    pipeline, exports = chosen.pipeline, chosen.exports
    settings = {**pipeline.changed_settings(), **pipeline.emotion.own_settings()}
    if pipeline.identity in people_of(pipeline):
        settings["identity"] = pipeline.identity
    emotion = emotion_with(pipeline, None) or EmotionSource()
    if emotion.model:
        folder = _full(emotion.model)
        emotion = replace(emotion, model=BUILT_IN if folder == str(BUILT_IN_EMOTION) else folder)
    weights = chosen.weights
    mapping = read_channel_map(_full(weights.mapping)) if weights.mapping.strip() else None
    return Order(
        gains=weights.gains_now(),
        mapping=mapping,
        tongue=weights.tongue,
        joints=weights.joints,
        model=_full(pipeline.model_text) if pipeline.model_text else BUILT_IN,
        settings=settings,
        emotion=emotion,
        fps=scene_rate(scene) if exports.use_scene_fps else parse_rate(exports.fps),
        formats=tuple(chosen.batch.formats(KINDS)),
    )


@dataclass(frozen=True)
class Source:
    """Where voices come from: a folder, or a manifest; ``channel`` as a manifest has it."""

    path: str
    is_manifest: bool = False
    channel: int = 0


def source_of(scene: bpy.types.Scene) -> Source:
    """Where the panel says that voices come from."""
    chosen: Any = scene.facewright
    batch, player = chosen.batch, chosen.player_of(chosen.pipeline)
    if batch.source == "MANIFEST":
        return Source(_full(batch.manifest), True)
    folder = player.track_root if batch.source == "PLAYER" else batch.folder
    return Source(_full(folder), False, player.channel if player is not None else 0)


def rows_of(source: Source) -> tuple[Row, ...]:
    """The rows that are asked for. Raises UserError."""
    from ..core.batch.manifest import folder_rows, read_manifest

    return read_manifest(source.path) if source.is_manifest else folder_rows(source.path)


def manifest_of(source: Source, rows: Sequence[Row], path: Path) -> Path:
    """A manifest of the rows: the chosen one, or a new one at ``path``. Raises UserError."""
    from ..core.files import write_text

    if source.is_manifest:
        return Path(source.path)
    lines = [
        json.dumps({"audio": row.audio, "output": row.output, "channel": source.channel})
        for row in rows
    ]
    write_text(path, "".join(f"{line}\n" for line in lines))
    return path


def _full(text: str) -> str:
    return os.path.abspath(bpy.path.abspath(text))
