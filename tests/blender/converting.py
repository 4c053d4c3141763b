# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes for blend shape conversions: one with known weights, one that only has its vertices."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from makers import curves_of

NAMES = (
    "jawOpen",
    "mouthLeft",
    "mouthRight",
    "eyeBlinkLeft",
    "eyeBlinkRight",
    "smile_L",
    "smile_R",
)
FRAMES = 12


def sheet(name: str, count: int = 15) -> bpy.types.Object:
    """A curved sheet of count^2 vertices, 0.3 wide."""
    across = np.linspace(-0.15, 0.15, count)
    x, y = (each.ravel() for each in np.meshgrid(across, across))
    points = np.stack([x, y, 0.1 * np.cos(8 * x) * np.cos(6 * y)], axis=1)
    faces = [
        (row * count + at, row * count + at + 1, (row + 1) * count + at + 1, (row + 1) * count + at)
        for row in range(count - 1)
        for at in range(count - 1)
    ]
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(points.tolist(), [], faces)
    obj = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(obj)
    return obj


def rest_of(obj: Any) -> np.ndarray:
    found = np.empty(len(obj.data.vertices) * 3, np.float32)
    obj.data.vertices.foreach_get("co", found)
    return found.reshape(-1, 3).astype(np.float64)


def bumps(points: np.ndarray, names: tuple[str, ...] = NAMES) -> np.ndarray:
    """Displacements (P, V, 3): a bump at another place for each pose, left and right mirrored."""
    rng = np.random.default_rng(5)
    moves = []
    for place in range(len(names)):
        middle, way = rng.uniform(-0.1, 0.1, 3), rng.uniform(-0.03, 0.03, 3)
        far = ((points[:, :2] - middle[:2]) ** 2).sum(axis=1)
        moves.append(np.exp(-far / 0.004)[:, None] * way)
        del place
    return np.array(moves)


def shaped(name: str, count: int = 15, names: tuple[str, ...] = NAMES) -> bpy.types.Object:
    """A sheet with these shape keys."""
    obj = sheet(name, count)
    rest = rest_of(obj)
    obj.shape_key_add(name="Basis")
    for key, move in zip(names, bumps(rest, names), strict=True):
        block = obj.shape_key_add(name=key, from_mix=False)
        block.value = 0.0
        block.points.foreach_set("co", (rest + move).astype(np.float32).ravel())
    return obj


def known_weights(count: int = FRAMES, poses: int = len(NAMES), seed: int = 3) -> np.ndarray:
    """Weights (T, P) that move smoothly between 0.05 and 0.95; mouthLeft and -Right exclude each
    other."""
    rng = np.random.default_rng(seed)
    time = np.linspace(0, 1, count)[:, None]
    waves = 0.5 + 0.45 * np.sin(
        2 * np.pi * (time * rng.uniform(0.5, 1.5, poses) + rng.random(poses))
    )
    if poses == len(NAMES):
        left = waves[:, 1].copy()
        waves[:, 1] = np.where(left > 0.5, 2 * (left - 0.5), 0)
        waves[:, 2] = np.where(left > 0.5, 0, 2 * (0.5 - left))
    return waves


def key_weights(obj: Any, weights: np.ndarray, start: int = 1) -> None:
    """Animate an object's shape keys, one frame after the other."""
    blocks = [b for b in obj.data.shape_keys.key_blocks if b.name != "Basis"]
    for block, values in zip(blocks, weights.T, strict=True):
        for at, value in enumerate(values):
            block.value = value
            block.keyframe_insert("value", frame=start + at)


def faces_of(obj: Any, weights: np.ndarray) -> np.ndarray:
    """Vertices (T, V, 3) of a sheet with the shape keys of ``bumps`` at these weights."""
    rest = rest_of(obj)
    return rest + np.einsum("tp,pvx->tvx", weights, bumps(rest))


def write_pc2(path: Path, faces: np.ndarray, start: float = 1.0) -> Path:
    """A point cache written from the format's description."""
    head = struct.pack("<12siiffi", b"POINTCACHE2\0", 1, faces.shape[1], start, 1.0, len(faces))
    path.write_bytes(head + faces.astype("<f4").tobytes())
    return path


def cached(name: str, path: Path, count: int = 15, start: float = 1.0) -> bpy.types.Object:
    """A sheet without shape keys that a Mesh Cache moves."""
    obj = sheet(name, count)
    modifier: Any = obj.modifiers.new("Cache", "MESH_CACHE")
    modifier.cache_format, modifier.filepath = "PC2", str(path)
    modifier.frame_start = start
    return obj


def conversion(source: Any, target: Any, **settings: Any) -> Any:
    """A conversion of the scene between two meshes, hardly regularised unless told."""
    scene: Any = bpy.context.scene
    made = scene.facewright.add_conversion("Test")
    made.source, made.target = source, target
    usual = {"regularisation": 0.0, "temporal": 0.0, "sparsity": 0.0, "symmetry": 0.0}
    for name, value in {**usual, **settings}.items():
        setattr(made, name, value)
    return made


def baked_weights(obj: Any, frames: int = FRAMES, start: float = 1.0) -> np.ndarray:
    """What the curves on an object's shape keys say (T, P), by the keys' order; 0 where none is."""
    keys = obj.data.shape_keys
    curves = {path: curve for (path, _index), curve in curves_of(keys).items()}
    rows = []
    for block in keys.key_blocks:
        if block != keys.reference_key:
            curve = curves.get(block.path_from_id("value"))
            rows.append([curve.evaluate(start + at) if curve else 0.0 for at in range(frames)])
    return np.array(rows).T
