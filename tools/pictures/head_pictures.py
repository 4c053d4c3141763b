# SPDX-License-Identifier: GPL-3.0-or-later
"""The built-in head at rest, and the contact sheet of all its shapes."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from facewright.core.head import load_head
from facewright.core.naming import ARKIT_NAMES, TONGUE_NAMES
from facewright.scene.template_head import ASSET, add_template_head
from facewright.training.articulation import EMOTIONS, SHAPES, read_expressions

from . import posing, sheet, stage

_WHOLE = stage.Shot(target=(0.0, -0.085, 0.010), height_m=0.235)
_EYES = stage.Shot(target=(0.0, -0.09, 0.030), height_m=0.115)
_LOWER = stage.Shot(target=(0.0, -0.09, -0.038), height_m=0.135)
_TURNED = stage.Shot(target=(0.01, -0.09, -0.035), height_m=0.135, yaw_deg=38, pitch_deg=3)
_MOUTH = stage.Shot(target=(0.0, -0.085, -0.040), height_m=0.085, pitch_deg=10)
_FROM_BELOW = stage.Shot(target=(0.0, -0.085, -0.040), height_m=0.085, pitch_deg=-14)
_UPPER_FACE = ("eye", "brow", "nose", "cheekSquint")
# Seen from the side, these say more.
_IN_PROFILE = ("jawForward", "mouthPucker", "mouthFunnel", "tongueOut")
# Here the tongue is behind the upper teeth.
_RAISED = ("tongueTipUp", "tongueRollUp", "tongueUp")
_TONGUE_JAW_OPEN = 0.62


@dataclass(frozen=True)
class Cell:
    """One picture of a sheet."""

    label: str
    weights: dict[str, float]
    shot: stage.Shot


def shape_cells() -> list[Cell]:
    """The neutral face, the 52 face shapes and the 16 tongue shapes."""
    cells = [Cell("at rest", {}, _WHOLE)]
    for name in ARKIT_NAMES:
        weights, label = {name: 1.0}, name
        if name == "mouthClose":
            weights, label = {name: 1.0, "jawOpen": 1.0}, "mouthClose + jawOpen"
        if name == "tongueOut":
            weights["jawOpen"] = 0.4
        shot = _EYES if name.startswith(_UPPER_FACE) else _LOWER
        cells.append(Cell(label, weights, _TURNED if name in _IN_PROFILE else shot))
    for name in TONGUE_NAMES:
        shot = _FROM_BELOW if name in _RAISED else _MOUTH
        cells.append(Cell(name, {name: 1.0, "jawOpen": _TONGUE_JAW_OPEN}, shot))
    return cells


def expression_cells(strengths: Sequence[float] = (0.5, 1.0)) -> list[Cell]:
    """Every emotion of the built-in model in several strengths, and every mood."""
    table = read_expressions()
    cells = [Cell("neutral", {}, _WHOLE)]
    for name, actions in zip(EMOTIONS, table.emotions, strict=True):
        for strength in strengths:
            weights = strength * actions @ table.shapes
            cells.append(Cell(f"{name} {strength:g}", _moving(weights), _WHOLE))
    for name, actions in table.moods.items():
        cells.append(Cell(name, _moving(actions @ table.shapes), _WHOLE))
    return cells


def _moving(weights: np.ndarray) -> dict[str, float]:
    named = zip(SHAPES, np.clip(weights, 0.0, 1.0), strict=True)
    return {name: float(weight) for name, weight in named if weight > 1e-4}


def render_sheet(
    path: Path,
    cells: Sequence[Cell],
    columns: int,
    size: tuple[int, int],
    samples: int = 14,
) -> None:
    """Render cells of `size` pixels and write them as one picture; 0 samples mean Workbench."""
    scene = stage.clear()
    head = load_head(ASSET)
    objects = add_template_head(scene.collection).objects
    stage.set_lights(scene, _WHOLE.target)
    if samples:
        stage.use_cycles(scene, samples)
    else:
        stage.use_workbench(scene)
    stage.aim_camera(scene, _WHOLE, size)
    label = sheet.Label(scene)
    pictures = []
    with tempfile.TemporaryDirectory() as folder:
        for cell in cells:
            stage.aim_camera(scene, cell.shot, size)
            label.show(cell.label)
            posing.pose(objects, head, cell.weights)
            pictures.append(sheet.read(stage.render(scene, Path(folder) / "cell.png")))
    sheet.write(path, sheet.compose(pictures, columns))


def render_portrait(path: Path, size: tuple[int, int] = (1200, 900), samples: int = 48) -> None:
    """The head at rest from the front and from the side, in one picture."""
    scene = stage.clear()
    objects = add_template_head(scene.collection).objects
    skin = objects["skin"]
    skin.location = (-0.125, 0.0, 0.0)
    skin.rotation_euler = (0.0, 0.0, 0.05)
    turned = add_template_head(scene.collection, (0.125, 0.0, 0.0)).skin
    turned.rotation_euler = (0.0, 0.0, 0.62)
    stage.set_lights(scene, (0.0, -0.08, 0.0), 0.42)
    stage.use_cycles(scene, samples)
    stage.aim_camera(scene, stage.Shot((0.0, -0.05, -0.006), 0.36, lens_mm=100), size)
    stage.render(scene, path)
