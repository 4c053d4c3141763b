# SPDX-License-Identifier: GPL-3.0-or-later
"""Inside bpy: every test starts with the extension enabled and an empty scene."""

from __future__ import annotations

import importlib
import sys
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import bpy
import numpy as np
import pytest

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent.parent)]

import stubs  # noqa: E402
from desks import desk, live_player, live_stub, spoken  # noqa: E402, F401 - fixtures
from layouts import Layout  # noqa: E402
from makers import shaped_mesh  # noqa: E402
from vertices import (  # noqa: E402, F401 - fixtures
    own_mesh,
    own_rest,
    speak,
    stage_frames,
    stub_arrays,
    wired_mesh,
)
from wrap_tool import face, filled, hairs, modifiers, tool  # noqa: E402, F401 - fixtures


class Code:
    """The installed extension's modules by name: ``code("scene.actions")``."""

    def __init__(self, root: ModuleType) -> None:
        self._name = root.__name__

    def __call__(self, name: str) -> Any:
        return importlib.import_module(f"{self._name}.{name}")


@pytest.fixture(scope="session")
def code(extension):
    yield (modules := Code(extension))
    modules("operators.worker_host").stop()


@pytest.fixture(autouse=True)
def scene(extension):
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    bpy.context.scene.render.fps = 30
    return bpy.context.scene


@pytest.fixture(scope="session")
def stub(tmp_path_factory):
    """A model whose network is known in closed form."""
    return stubs.make_stub_model(tmp_path_factory.mktemp("model") / "stub")


@pytest.fixture(scope="session")
def voice(tmp_path_factory):
    """A voice of 1.5 s."""
    path = tmp_path_factory.mktemp("voice") / "vöice line.wav"
    return str(stubs.write_wav(path, stubs.speech_like(1.5)))


@pytest.fixture
def own_face(code):
    """A user's mesh with every ARKit name, in another spelling."""
    names = code("core.naming").ARKIT_NAMES
    return shaped_mesh("Face", [name[0].upper() + name[1:] for name in names])


@pytest.fixture
def wired(scene):
    """A pipeline with a player and a character that has no mesh yet."""
    chosen = scene.facewright
    chosen.add_player("Player")
    chosen.add_pipeline("Core", chosen.players[0])
    chosen.add_character("Face", chosen.pipelines[0])
    return SimpleNamespace(
        scene=scene,
        player=chosen.players[0],
        pipeline=chosen.pipelines[0],
        character=chosen.characters[0],
    )


@pytest.fixture
def curves(code):
    """The emotion timeline."""
    return code("scene.emotion_curves")


@pytest.fixture
def emotions(code):
    """The names of the ten, in order."""
    return code("core.parameters").EMOTION_NAMES


@pytest.fixture
def row(emotions):
    """Ten strengths of which the named ones are not 0."""

    def make(**strengths):
        return np.array([strengths.get(name, 0.0) for name in emotions], np.float32)

    return make


@pytest.fixture
def key(wired, row):
    """Set a key at a frame through the panel's own button."""

    def make(frame, **strengths):
        wired.pipeline.emotion.frame = frame
        wired.pipeline.emotion.set_values(tuple(row(**strengths)))
        assert bpy.ops.facewright.emotion_key_add() == {"FINISHED"}

    return make


@pytest.fixture
def make_track(code):
    """A made-up take: random weights, a jaw that sinks, eyes that turn."""

    def make(frames: int, fps: Any, seed: int = 0) -> Any:
        from fractions import Fraction

        rng = np.random.default_rng(seed)
        jaw = np.tile(np.eye(4, dtype=np.float32), (frames, 1, 1))
        jaw[:, 1, 3] = -np.linspace(0, 2, frames)
        eyes = rng.uniform(-9, 9, (frames, 2, 2)).astype(np.float32)
        names = code("core.naming").CANONICAL_NAMES
        weights = rng.uniform(0, 1, (frames, len(names))).astype(np.float32)
        rate = Fraction(fps)
        return code("core.face.track").FaceTrack(
            names, weights, jaw, eyes, rate, frames / float(rate)
        )

    return make


@pytest.fixture
def write(code, scene):
    """Write a take onto a face: ``write(obj, track, start)``."""
    actions = code("scene.actions")

    def run(obj: Any, track: Any, start: float = 1.0, take_id: str = "one") -> Any:
        character = code("scene.characters").find_character(obj, track.names)
        label = actions.TakeLabel(take_id, "hash", "line", "model")
        return actions.write_take(character, track, scene, start, label)

    return run


@pytest.fixture
def scene_state():
    """Everything that a job could leave behind, as plain values."""

    def take() -> Any:
        scene = bpy.context.scene
        editor = scene.sequence_editor
        strips = getattr(editor, "strips", None) or getattr(editor, "sequences", ())
        return {
            "actions": sorted(action.name for action in bpy.data.actions),
            "sounds": sorted(sound.name for sound in bpy.data.sounds),
            "strips": sorted(strip.name for strip in strips) if editor else None,
            "animated": sorted(
                block.name
                for blocks in (bpy.data.objects, bpy.data.shape_keys)
                for block in blocks
                if block.animation_data and block.animation_data.action
            ),
            "range": (scene.frame_start, scene.frame_end, scene.sync_mode),
            "properties": sorted((obj.name, *obj.keys()) for obj in bpy.data.objects),
        }

    return take


@pytest.fixture
def api(code):
    """What scripts may call."""
    return code("api")


@pytest.fixture
def burst(api):
    """Options for sessions that are not held back."""
    return {"burst": api.Burst.FORCE_BURST}


@pytest.fixture
def stub_is_default(code, stub):
    """The stub model is what the preferences choose."""
    chosen = code("properties.library").preferences()
    chosen.model = str(stub.folder)
    yield
    chosen.model = ""


@pytest.fixture
def library(code):
    return code("properties.library")


@pytest.fixture
def chosen(code, library):
    """The preferences, empty as on the first day, and empty again afterwards."""

    def clear() -> Any:
        found = library.preferences()
        found.models.clear()
        library.ensure_built_in(found)
        names = ("active_model", "model", "emotion_model", "device", "models_folder")
        for name in (*names, "cuda_folder", "directml_folder"):
            found.property_unset(name)
        library.FETCHING.clear()
        return found

    yield clear()
    clear()
    code("operators.worker_host").stop()


@pytest.fixture
def shown(code, chosen):
    """All texts that the preferences show now."""
    panel = code("panels.library")

    def draw() -> list[str]:
        texts: list[str] = []
        layout = Layout(texts)
        panel.draw(layout, bpy.context, chosen, "/the/logs")
        for row in chosen.models:
            panel.FACEWRIGHT_UL_models.draw_item(
                SimpleNamespace(), bpy.context, layout, chosen, row, 0, chosen, "active_model", 0
            )
        return texts

    return draw


@pytest.fixture
def wav(tmp_path):
    """A voice of 4 s."""
    return str(stubs.write_wav(tmp_path / "vier.wav", stubs.speech_like(4.0)))


@pytest.fixture
def player(wired, wav):
    """The player of a pipeline, with a voice of 4 s from frame 11 on; 30 frames per second."""
    wired.player.voice_path, wired.player.start_frame = wav, 11
    return wired.player


@pytest.fixture
def known(code, scene):
    """What is known of a player's voice once the worker has looked at it."""
    voices, pump = code("operators.voices"), code("operators.pump")
    voices.forget()

    def look(player: Any) -> Any:
        end = time.monotonic() + 60
        while True:
            found = voices.known(scene, player)
            if found.facts is not None or found.problem:
                return found
            assert time.monotonic() < end, "the voice was never read"
            pump.pump()
            time.sleep(0.01)

    yield look
    voices.forget()


@pytest.fixture
def playing(code):
    module = code("operators.playing")
    yield module
    module.stop()


@pytest.fixture
def command(code, capsys):
    """Run ``facewright ...``: the exit code, and what was said on both streams."""
    main = code("operators.command").main

    def run(*words: object):
        status = main([str(word) for word in words])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


@pytest.fixture
def outset(code, scene):
    """The template as driver, the sample target, and the pairs that fit it."""
    bpy.ops.facewright.add_transfer()
    bpy.ops.facewright.add_driver()
    bpy.ops.facewright.add_sample_target()
    transfer = scene.facewright.transfer
    landmarks = code("core.retarget.landmarks")
    head = code("core.head").load_head(code("scene.template_head").ASSET)
    sample = code("core.sample_target").load_sample_target(code("scene.sample_target").ASSET)
    code("scene.correspondences").replace_pairs(
        transfer, landmarks.NAMES, landmarks.of_head(head).points, sample.correspondences
    )
    transfer.iterations = 1  # how near the fit is, others test
    return transfer
