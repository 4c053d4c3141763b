# SPDX-License-Identifier: GPL-3.0-or-later
"""A batch: which voices, which files are made of them, how many at once; and how it goes.

``BATCH`` and the list of rows last as long as Blender runs and are in no file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from .paths import RELATIVE
from .progress import JobState

MOST_PROCESSES = 64
WEIGHTS = ("json", "json46", "usd", "metahuman_json", "metahuman_usd", "csv")
BAKED = ("blend", "fbx", "usdc", "glb")  # with the character
KINDS = (*WEIGHTS, *BAKED)
WAITING, RUNNING, DONE, FRESH, FAILED = "waiting", "running", "done", "fresh", "failed"


@dataclass
class Row:
    """One voice of a batch; ``sentence`` says why it failed, or what is worth knowing."""

    name: str
    state: str = WAITING
    sentence: str = ""


@dataclass
class BatchState(JobState):
    """How the batch goes, beside the work that the user goes on with; ``folder`` is where its files
    are."""

    rows: list[Row] = field(default_factory=list)
    folder: str = ""

    def count(self, *states: str) -> int:
        """How many rows are in one of the states."""
        return sum(row.state in states for row in self.rows)

    def forget(self) -> None:
        """As before the first batch."""
        self.clear()
        self.rows, self.folder = [], ""


BATCH = BatchState()


def _file(name: str, description: str, default: bool = False) -> Any:
    return BoolProperty(name=name, description=description, default=default)


class FACEWRIGHT_PG_batch(bpy.types.PropertyGroup):
    """What a batch makes of which voices"""

    source: EnumProperty(
        name="Voices",
        description="Which voices are animated",
        items=(
            ("PLAYER", "Player's Folder", "All voices of the folder of the shown player"),
            ("FOLDER", "Folder", "All voices of another folder"),
            ("MANIFEST", "Manifest", "The rows of a manifest, each with a voice and what it needs"),
        ),
        default="PLAYER",
    )
    folder: StringProperty(
        name="Folder", description="Folder of the voices", subtype="DIR_PATH", options=RELATIVE
    )
    manifest: StringProperty(
        name="Manifest",
        description="File of JSON lines: one voice a line, with what is different for it",
        subtype="FILE_PATH",
        options=RELATIVE,
    )
    use_json: _file("JSON", "Weights as JSON, as Audio2Face writes them", True)
    use_json46: _file("JSON, 46 Poses", "Weights of the former 46 poses as JSON")
    use_usd: _file("USD", "Weights as a USD SkelAnimation")
    use_metahuman_json: _file("MetaHuman JSON", "Control curves of a MetaHuman as JSON")
    use_metahuman_usd: _file("MetaHuman USD", "Control curves of a MetaHuman as USD")
    use_csv: _file("CSV", "Weights as a table, as Live Link Face records them")
    use_blend: _file("Blend", "A copy of the present file with the animated character")
    use_fbx: _file("FBX", "The animated character as FBX")
    use_usdc: _file("USD with Meshes", "The animated character as USD, with its meshes")
    use_glb: _file("glTF", "The animated character as glTF")
    processes: IntProperty(
        name="Processes",
        description="How many voices are animated at once; 0 chooses by the processor's cores",
        default=0,
        min=0,
        max=MOST_PROCESSES,
    )
    redo: BoolProperty(
        name="Redo All",
        description="Make files again that are up to date, too",
        default=False,
    )

    def formats(self, kinds: tuple[str, ...]) -> list[str]:
        """Those of the kinds of files that are ticked."""
        return [kind for kind in kinds if getattr(self, f"use_{kind}")]


class FACEWRIGHT_PG_batch_row(bpy.types.PropertyGroup):
    """Stands for a row of ``BATCH`` in the panel's list"""


class FACEWRIGHT_PG_batch_list(bpy.types.PropertyGroup):
    """The rows that the panel lists; window managers are in no file"""

    rows: CollectionProperty(type=FACEWRIGHT_PG_batch_row)
    active: IntProperty(name="Row", description="The row that is shown")


CLASSES = (FACEWRIGHT_PG_batch, FACEWRIGHT_PG_batch_row, FACEWRIGHT_PG_batch_list)


def register() -> None:
    for each in CLASSES:
        bpy.utils.register_class(each)
    manager: Any = bpy.types.WindowManager
    manager.facewright_batch = PointerProperty(type=FACEWRIGHT_PG_batch_list)
    BATCH.forget()


def unregister() -> None:
    BATCH.forget()
    manager: Any = bpy.types.WindowManager
    del manager.facewright_batch
    for each in reversed(CLASSES):
        bpy.utils.unregister_class(each)
