# SPDX-License-Identifier: GPL-3.0-or-later
"""What a scene remembers, as ``Scene.facewright``: players, pipelines, characters, their links, and
character transfers, blend shape conversions.

A pipeline knows its player, a character its pipeline, both by id. Lists are small, so links are
looked up each time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import bpy
from bpy.props import BoolProperty, CollectionProperty, EnumProperty, IntProperty, PointerProperty

from ..core.retarget.marks import MARKS
from .batch import FACEWRIGHT_PG_batch
from .caches import FACEWRIGHT_PG_caches
from .character import FACEWRIGHT_PG_character
from .conversion import FACEWRIGHT_PG_conversion
from .exports import FACEWRIGHT_PG_exports
from .ids import find, free_name, index_of, new_id
from .parameters import NAMES as SHOWN_ONLY
from .pipeline import FACEWRIGHT_PG_pipeline
from .player import FACEWRIGHT_PG_player
from .transfer import FACEWRIGHT_PG_transfer
from .weights import FACEWRIGHT_PG_weights
from .wrap import FACEWRIGHT_PG_wrap

VERSION = 1  # of what is saved; older files are brought to it when they are loaded
_OWN = ("name", "id", "index")
# Those that only show what another property holds
UNSAVED = {
    *("rna_type", *SHOWN_ONLY),
    *("player", "pipeline", "model_choice", "emotion_choice", "person", "shot", "saccade_data"),
    *("track", "frame", "microphone_choice", "max_distance"),
}


class FACEWRIGHT_PG_scene(bpy.types.PropertyGroup):
    """Everything that a scene remembers of Facewright"""

    # Written when the first item is added. The default stands for files from before.
    version: IntProperty(name="Version", description="Version of what is saved", default=1)
    players: CollectionProperty(type=FACEWRIGHT_PG_player)
    pipelines: CollectionProperty(type=FACEWRIGHT_PG_pipeline)
    characters: CollectionProperty(type=FACEWRIGHT_PG_character)
    active_pipeline: IntProperty(name="Pipeline", description="The pipeline that panels show")
    transfers: CollectionProperty(type=FACEWRIGHT_PG_transfer)
    active_transfer: IntProperty(name="Transfer", description="The transfer that panels show")
    conversions: CollectionProperty(type=FACEWRIGHT_PG_conversion)
    active_conversion: IntProperty(
        name="Conversion", description="The blend shape conversion that panels show"
    )
    wrap: PointerProperty(type=FACEWRIGHT_PG_wrap)
    exports: PointerProperty(type=FACEWRIGHT_PG_exports)
    weights: PointerProperty(type=FACEWRIGHT_PG_weights)
    caches: PointerProperty(type=FACEWRIGHT_PG_caches)
    batch: PointerProperty(type=FACEWRIGHT_PG_batch)
    preview: BoolProperty(
        name="Live Preview",
        description="Show a changed setting at once on the present frame",
        default=True,
    )
    burst: EnumProperty(
        name="Live Sessions",
        description="How fast sound is taken from scripts that animate live",
        items=(
            ("DEFAULT", "Default", "As fast as it is heard"),
            (
                "FORCE_BURST",
                "Burst",
                "As fast as it can be done; not advised while this machine renders",
            ),
            ("FORCE_REAL_TIME", "Real Time", "As fast as it is heard"),
        ),
        default="DEFAULT",
    )

    # ---- looking up -----------------------------------------------------------------------------

    @property
    def pipeline(self) -> Any:
        """The pipeline that panels show; None when there is none."""
        count = len(self.pipelines)
        return self.pipelines[min(max(self.active_pipeline, 0), count - 1)] if count else None

    @property
    def transfer(self) -> Any:
        """The character transfer that panels show; None when there is none."""
        count = len(self.transfers)
        return self.transfers[min(max(self.active_transfer, 0), count - 1)] if count else None

    @property
    def conversion(self) -> Any:
        """The blend shape conversion that panels show; None when there is none."""
        count = len(self.conversions)
        return self.conversions[min(max(self.active_conversion, 0), count - 1)] if count else None

    def player_of(self, pipeline: Any) -> Any:
        """The player that feeds a pipeline; None when there is none."""
        return None if pipeline is None else find(self.players, pipeline.player_id)

    def characters_of(self, pipeline: Any) -> list[Any]:
        """The characters that a pipeline drives."""
        if pipeline is None:
            return []
        return [one for one in self.characters if one.pipeline_id == pipeline.id]

    @property
    def loose_characters(self) -> list[Any]:
        """The characters that no pipeline drives."""
        return [one for one in self.characters if find(self.pipelines, one.pipeline_id) is None]

    def pipelines_of(self, player: Any) -> list[Any]:
        """The pipelines that a player feeds."""
        return [one for one in self.pipelines if player and one.player_id == player.id]

    @property
    def audible(self) -> list[Any]:
        """The pipelines that are heard and animated: those with solo, all where none has it."""
        soloed = [one for one in self.pipelines if one.solo]
        return soloed or list(self.pipelines)

    # ---- making, copying, taking away -----------------------------------------------------------

    def add_player(self, name: str = "Player") -> Any:
        """A new player."""
        return self._added(self.players, name)

    def add_pipeline(self, name: str = "Core", player: Any = None) -> Any:
        """A new pipeline, which becomes the one that panels show."""
        player_id = player.id if player else ""
        pipeline = self._added(self.pipelines, name)
        pipeline.player_id = player_id
        self.active_pipeline = len(self.pipelines) - 1
        return pipeline

    def add_character(self, name: str, pipeline: Any = None, skin: Any = None) -> Any:
        """A new character, driven by a pipeline."""
        pipeline_id = pipeline.id if pipeline else ""
        character = self._added(self.characters, name)
        character.pipeline_id = pipeline_id
        if skin is not None:
            character.skin = skin
        return character

    def add_transfer(self, name: str = "Transfer") -> Any:
        """A new character transfer, which becomes the one that panels show."""
        transfer = self._added(self.transfers, name)
        self.active_transfer = len(self.transfers) - 1
        return transfer

    def remove_transfer(self, transfer: Any) -> None:
        """Take a character transfer off the list; its meshes stay."""
        self.transfers.remove(index_of(self.transfers, transfer.id))
        self.active_transfer = min(self.active_transfer, max(0, len(self.transfers) - 1))

    def add_conversion(self, name: str = "Conversion") -> Any:
        """A new blend shape conversion, which becomes the one that panels show."""
        conversion = self._added(self.conversions, name)
        self.active_conversion = len(self.conversions) - 1
        return conversion

    def remove_conversion(self, conversion: Any) -> None:
        """Take a blend shape conversion off the list; what it has baked stays."""
        self.conversions.remove(index_of(self.conversions, conversion.id))
        self.active_conversion = min(self.active_conversion, max(0, len(self.conversions) - 1))

    def duplicate_pipeline(self, pipeline: Any) -> Any:
        """A copy of a pipeline with its settings and a copy of its player; no character."""
        at, player = index_of(self.pipelines, pipeline.id), self.player_of(pipeline)
        copied = None
        if player is not None:
            source_id = player.id
            copied = self.add_player(player.name)
            copy_group(find(self.players, source_id), copied)
        new = self.add_pipeline(self.pipelines[at].name, copied)
        player_id = new.player_id
        copy_group(self.pipelines[at], new)
        new.player_id, new.solo = player_id, False
        return new

    def remove_pipeline(self, pipeline: Any) -> None:
        """Take a pipeline away, with its player and characters unless another one needs them."""
        pipeline_id, player_id = pipeline.id, pipeline.player_id
        for character_id in [one.id for one in self.characters_of(pipeline)]:
            self.characters.remove(index_of(self.characters, character_id))
        self.pipelines.remove(index_of(self.pipelines, pipeline_id))
        player = find(self.players, player_id)
        if player is not None and not self.pipelines_of(player):
            self.players.remove(index_of(self.players, player_id))
        self.active_pipeline = min(self.active_pipeline, max(0, len(self.pipelines) - 1))

    def _added(self, items: Any, name: str) -> Any:
        if not any(True for _ in _items(self)):
            self.version = VERSION
        wanted = free_name(items, name)
        item = items.add()
        item.id, item.name = new_id(), wanted
        return item


def copy_group(source: Any, target: Any) -> None:
    """Give a property group the choices of another of its kind, not its id and name."""
    for prop in source.bl_rna.properties:
        name = prop.identifier
        if name in _OWN or name in UNSAVED:
            continue
        if prop.type == "COLLECTION":
            getattr(target, name).clear()
            for item in getattr(source, name):
                copy_group(item, getattr(target, name).add())
        elif prop.type == "POINTER" and issubclass(
            type(getattr(source, name)), bpy.types.PropertyGroup
        ):
            copy_group(getattr(source, name), getattr(target, name))
        elif source.is_property_set(name) and not prop.is_readonly:
            setattr(target, name, getattr(source, name))


def renew_shared_ids(scenes: Iterable[bpy.types.Scene] | None = None) -> None:
    """Give new ids to what a copied or appended scene shares with one that comes before it.

    Linked scenes keep theirs: they are their own file's.
    """
    seen: set[str] = set()
    for scene in bpy.data.scenes if scenes is None else scenes:
        if scene.library is None:
            _renew(scene.facewright, seen)


def _renew(chosen: Any, seen: set[str]) -> None:
    new: dict[str, str] = {}
    for item in _items(chosen):
        if item.id in seen:
            new[item.id] = new_id()
            item.id = new[item.id]
        seen.add(item.id)
    for pipeline in chosen.pipelines if new else ():
        pipeline.player_id = new.get(pipeline.player_id, pipeline.player_id)
    for character in chosen.characters if new else ():
        character.pipeline_id = new.get(character.pipeline_id, character.pipeline_id)
    for obj in chosen.id_data.objects if new else ():
        for mark in MARKS if len(obj.users_scene) == 1 and obj.library is None else ():
            known = str(obj.get(mark, ""))
            if known in new:  # what the copied transfer has made is copied too
                obj[mark] = new[known]


def _items(chosen: Any) -> Iterator[Any]:
    yield from chosen.players
    yield from chosen.pipelines
    yield from chosen.characters
    yield from chosen.transfers
    yield from chosen.conversions


def register() -> None:
    bpy.utils.register_class(FACEWRIGHT_PG_scene)
    scene_type: Any = bpy.types.Scene
    scene_type.facewright = PointerProperty(type=FACEWRIGHT_PG_scene)


def unregister() -> None:
    scene_type: Any = bpy.types.Scene
    del scene_type.facewright
    bpy.utils.unregister_class(FACEWRIGHT_PG_scene)
