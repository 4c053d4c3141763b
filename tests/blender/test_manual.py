# SPDX-License-Identifier: GPL-3.0-or-later
"""`docs/manual.md` lists every element of the tool, with the ranges that the properties have."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import manual
import pytest
from stub_diffusion import make_stub_diffusion


@pytest.fixture
def noted(scene, own_face, tmp_path):
    """What each panel draws in all states together."""
    return _noted(own_face, str(make_stub_diffusion(tmp_path / "people").folder))


@pytest.fixture
def text(noted, root):
    """The manual as it has to be."""
    return "\n".join(_lines(noted, root / "docs" / "manual")) + "\n"


def test_the_manual_lists_every_element(text, root):
    path = root / "docs" / "manual.md"
    if os.environ.get("FACEWRIGHT_WRITE_MANUAL"):
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text, "run: python3 tools/dev.py manual"


def test_everything_explains_itself(noted):
    """Each element has a name and a text, and no operator is without a tooltip."""
    for rows in noted.values():
        for (owner, name), prop in rows.items():
            if owner == "operator":
                group, _, function = name.partition(".")
                rna = getattr(getattr(bpy.ops, group), function).get_rna_type()
                assert rna.name and rna.description, name
            else:
                assert prop.name and prop.description, (owner, name)


def _lines(noted: dict[Any, Any], pictures: Path) -> Iterator[str]:
    yield manual.HEADER
    for panel, rows in noted.items():
        where = manual.PLACES[panel.bl_space_type]
        picture = f"{panel.__name__.removeprefix('FACEWRIGHT_PT_')}.png"
        yield f"## {manual.title(panel)}\n"
        yield f"{manual.plain(panel.__doc__ or '')}. Where: {where}.\n"
        if (pictures / picture).is_file():
            yield f"![{panel.bl_label}](manual/{picture})\n"
        if rows:
            yield from manual.table(rows)
            yield ""


def _noted(face: Any, people: str) -> dict[Any, dict[tuple[str, str], Any]]:
    """What each panel draws in all states together."""
    noted: dict[Any, dict[tuple[str, str], Any]] = {panel: {} for panel in manual.panels()}

    def look() -> None:
        for panel, rows in noted.items():
            manual.note(panel, rows, bpy.context)

    chosen = bpy.context.scene.facewright
    look()
    _everything(chosen, face)
    for source in ("FILE", "SOUND", "STRIP", "SAMPLE"):
        chosen.players[0].voice_source = source
        look()
    for pipeline in chosen.pipelines:
        pipeline.detect_emotion = "FRAMES"
        pipeline.model = people  # a diffusion model of several people shows more
    look()
    return {panel: rows for panel, rows in noted.items() if rows}


def _everything(chosen: Any, face: Any) -> None:
    """A scene in which as much as possible is to be seen."""
    bpy.context.scene.sequence_editor_create()
    rig = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
    bpy.context.scene.collection.objects.link(rig)
    for name in ("One", "Two"):
        pipeline = chosen.add_pipeline(name, chosen.add_player(name))
        character = chosen.add_character(name, pipeline, face)
        for part in ("head_target", "lower_denture", "eye_left", "eye_right"):
            setattr(character, part, rig)
    chosen.active_pipeline = 0
    conversion = chosen.add_conversion("Conversion")
    conversion.target, conversion.neutral = face, "FRAME"
    conversion.worst.add().frame = 8
    transfer = chosen.add_transfer("Transfer")
    transfer.driver = transfer.open_mouth = transfer.target = face
    transfer.pairs.add().name = "Chin"
