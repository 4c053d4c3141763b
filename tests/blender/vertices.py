# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes of the stub network's topology, and what they show, for tests of vertex animation."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest

AXES = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # Y up to Z up

LIFT = np.array([0, 0, 0.01])


def mesh_of(name, points, keys=(), parent=None):
    """A mesh of these points, with shape keys that each lift it as a whole."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(points.tolist(), [], [(0, 1, 2)])
    obj = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(obj)
    obj.parent = parent
    for key in ("Basis", *keys) if keys else ():
        obj.shape_key_add(name=key, from_mix=False).value = 0.0
    for block in obj.data.shape_keys.key_blocks[1:] if keys else ():
        block.points.foreach_set("co", (points + LIFT).astype(np.float32).ravel())
    return obj


@pytest.fixture(scope="module")
def stub_arrays(stub):
    """The arrays of the stub model's folder."""
    with np.load(Path(stub.folder) / "model_data.npz") as arrays:
        return {name: arrays[name].astype(float) for name in arrays.files}


@pytest.fixture
def own_rest(stub_arrays):
    """The network's own mesh in Blender's space, metres."""
    return 0.01 * stub_arrays["shapes_mean_skin"] @ AXES.T


@pytest.fixture
def own_mesh(own_rest):
    return mesh_of("Gesicht 顔", own_rest, ("jawOpen", "mouthPucker"))


@pytest.fixture
def speak(code, stub):
    function = code("operators.animate").animate_object

    def run(obj, voice, **options):
        return function(
            bpy.context, obj, voice, **{"model": str(stub.folder), "output": "VERTICES", **options}
        )

    return run


@pytest.fixture
def stage_frames(code, stub):
    """The skin of a take at its frames (T, V, 3) in metres, by the engine's own stages."""

    def make(take_id, folder, part="skin"):
        take = code("core.take_file").read_take(Path(folder) / f"{take_id}.npz")
        model = code("core.models.model").load_model(Path(stub.folder))
        motion = code("core.motion").at_rate(take.motion, take.face.fps, take.face.frame_count)
        stages = code("core.face.stages")
        vertices = getattr(stages, f"{part}_vertices")
        blocks = vertices(model, motion, take.settings)
        return 0.01 * np.concatenate(list(blocks)).astype(float) @ AXES.T

    return make


def folder_of(obj):
    """Where the file lies that an object plays."""
    return Path(bpy.path.abspath(cache_on(obj).filepath)).parent


def cache_on(obj):
    found = [each for each in obj.modifiers if each.type == "MESH_CACHE"]
    assert len(found) <= 1
    return found[0] if found else None


def seen(obj, frame):
    """Vertices (V, 3) of an object at a frame, evaluated."""
    bpy.context.scene.frame_set(int(frame // 1), subframe=frame % 1)
    mesh = obj.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    found = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.vertices.foreach_get("co", found)
    return found.reshape(-1, 3)


def assert_plays(obj, result, frames, at=(0, 0.5, 7, 20)):
    """An object shows a take: at its frames, and half way between two."""
    first, last = result.written.first_frame, result.written.last_frame
    step = (last - first) / (len(frames) - 1)
    for index in (*at, len(frames) - 1):
        low, share = int(index // 1), index % 1
        want = frames[low] if not share else frames[low : low + 2].mean(axis=0)
        np.testing.assert_allclose(seen(obj, first + index * step), want, atol=1e-5)
    np.testing.assert_allclose(seen(obj, first - 30), frames[0], atol=1e-6)
    np.testing.assert_allclose(seen(obj, last + 30), frames[-1], atol=1e-6)


@pytest.fixture
def wired_mesh(wired, stub, voice, own_mesh):
    """A pipeline of the stub model, a player and the face, as the panels have them."""
    wired.pipeline.model, wired.player.voice_path = str(stub.folder), voice
    wired.character.skin = own_mesh
    wired.pipeline.output = "VERTICES"
    return wired


def animated():
    assert bpy.ops.facewright.animate() == {"FINISHED"}
