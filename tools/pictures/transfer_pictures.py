# SPDX-License-Identifier: GPL-3.0-or-later
"""Targets of a character transfer in several expressions, for docs/character-transfer.md."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from facewright.core.arrays import AnyArray
from facewright.core.head import load_head
from facewright.core.head_parts import HeadPart
from facewright.core.naming import ARKIT_NAMES, TONGUE_NAMES
from facewright.core.sample_target import load_sample_target
from facewright.scene.blend_shapes import set_shape_keys
from facewright.scene.head_parts import add_part, local
from facewright.scene.sample_target import ASSET as SAMPLE
from facewright.scene.template_head import ASSET

from . import posing, sheet, stage
from .transfer_results import FEW, ROOT

SIZE = (190, 218)
LOW_POLY = 500  # vertices
LIMIT_S = 300
PARTS = ("skin", "upper_denture", "lower_denture", "tongue", "eye_left", "eye_right")
POSES: Mapping[str, Mapping[str, float]] = {
    "at rest": {},
    "a": {"jawOpen": 0.55, "mouthLowerDown": 0.15, "mouthUpperUp": 0.15},
    "ee": {"jawOpen": 0.12, "mouthSmile": 0.4, "mouthStretch": 0.4, "mouthLowerDown": 0.45,
           "mouthUpperUp": 0.3},
    "oo": {"jawOpen": 0.15, "mouthPucker": 0.75, "mouthFunnel": 0.45},
    "m b p": {"mouthPress": 0.5, "mouthRollUpper": 0.35, "mouthRollLower": 0.4},
    "jaw open, lips closed": {"jawOpen": 0.8, "mouthClose": 0.8},
    "blink": {"eyeBlink": 1.0, "browDown": 0.3},
}  # fmt: skip

Arrays = Mapping[str, AnyArray]


def render_all(folder: Path, samples: int = 16) -> None:
    """One row of pictures for each target; 0 samples mean Workbench."""
    head, sample = load_head(ASSET), load_sample_target(SAMPLE)
    few = _few(head.skin)
    targets = {
        "sample_target": sample.parts,
        "large_eyes": head.parts,
        "no_nose": head.parts,
        "low_poly": {**head.parts, "skin": few},
    }
    with tempfile.TemporaryDirectory() as made:
        np.savez(Path(made) / FEW, points=few.vertices, triangles=few.faces[:, :3])
        script = str(Path(__file__).with_name("transfer_results.py"))
        command = [sys.executable, str(ROOT / "tools" / "dev.py"), "run", "core", script, made]
        subprocess.run(command, check=True, timeout=LIMIT_S)
        for name, parts in targets.items():
            with np.load(Path(made) / f"{name}.npz") as arrays:
                render_row(folder / f"{name}.png", arrays, parts, samples)


def render_row(path: Path, arrays: Arrays, parts: Mapping[str, HeadPart], samples: int) -> None:
    """The poses of one target side by side; ``parts`` say faces, materials and colours."""
    scene = stage.clear()
    objects = [_add(parts[name], arrays, scene) for name in PARTS]
    middle = local(arrays["middle"])
    target = (float(middle[0]), float(middle[1]) + 0.02, float(middle[2]))
    shot = stage.Shot(target=target, height_m=0.25, yaw_deg=18)
    stage.set_lights(scene, target)
    if samples:
        stage.use_cycles(scene, samples)
    else:
        stage.use_workbench(scene)
    stage.aim_camera(scene, shot, SIZE)
    label = sheet.Label(scene)
    names = {*ARKIT_NAMES, *TONGUE_NAMES}
    pictures = []
    with tempfile.TemporaryDirectory() as rendered:
        for title, weights in POSES.items():
            full = posing.both_sides(weights, names)
            for keys in (obj.data.shape_keys for obj in objects):
                for key in keys.key_blocks[1:] if keys else ():
                    key.value = full.get(key.name, 0.0)
            label.show(title)
            pictures.append(sheet.read(stage.render(scene, Path(rendered) / "pose.png")))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.write(path, sheet.compose(pictures, len(pictures)))


def _add(part: HeadPart, arrays: Arrays, scene: Any) -> Any:
    """A part in the target's shape, with its shape keys."""
    points, names = arrays[f"{part.name}/points"], arrays[f"{part.name}/names"]
    plain = replace(part, vertices=points.astype(np.float32))
    obj = add_part(plain, part.name, np.zeros(3, np.float32), scene.collection)
    if len(names):
        moves = local(arrays[f"{part.name}/moves"])
        for _ in set_shape_keys(obj, names.tolist(), moves):
            pass
    return obj


def _few(skin: HeadPart) -> HeadPart:
    """The skin of the hard targets with few vertices, as the Decimate modifier leaves it."""
    scene = stage.clear()
    obj = add_part(skin, "Few", np.zeros(3, np.float32), scene.collection)
    modifier: Any = obj.modifiers.new("Few", "DECIMATE")
    modifier.ratio = LOW_POLY / len(obj.data.vertices)
    modifier.use_collapse_triangulate = True
    mesh: Any = obj.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    points = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", points)
    faces = np.array([list(face.vertices) for face in mesh.polygons], np.int32)
    used = np.unique(skin.materials)
    slots = np.array([face.material_index for face in mesh.polygons])
    return replace(
        skin,
        vertices=_back(points.reshape(-1, 3)),
        faces=np.concatenate([faces, np.full((len(faces), 1), -1, np.int32)], axis=1),
        materials=used[slots].astype(np.int32),
        colours=_nearest(skin, _back(points.reshape(-1, 3))),
    )


def _nearest(skin: HeadPart, points: AnyArray) -> AnyArray:
    """The colours (N, 3) of the vertices that are closest to points (N, 3)."""
    far = [((skin.vertices - point) ** 2).sum(axis=1).argmin() for point in points]
    return np.asarray(skin.colours)[far]


def _back(points: AnyArray) -> AnyArray:
    """From Blender's space into the asset's."""
    axes = np.stack([local(axis) for axis in np.eye(3, dtype=np.float32)], axis=1)
    return np.asarray(points @ np.linalg.inv(axes).T, np.float32)
