# SPDX-License-Identifier: GPL-3.0-or-later
"""The committed model folder: complete, small, exact in its own format, still when silent."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest
from facewright.core.emotion.track import implicit_vector
from facewright.core.face.stages import whole_face
from facewright.core.head import load_head
from facewright.core.models.model import load_model, settings_for
from facewright.core.naming import ARKIT_NAMES, TONGUE_NAMES
from facewright.core.network.listening import open_session
from facewright.core.network.regression import split_result
from facewright.core.voice.audio import Voice, read_voice
from facewright.core.windows import gather, plan_windows
from facewright.training.articulation import EMOTIONS, read_expressions
from facewright.training.paths import HEAD_FILE, MODEL_FOLDER

FPS = Fraction(60)
ACTIONS = len(read_expressions().actions)
WIDTH = ACTIONS + len(EMOTIONS)
HELD = 16  # frames in which the folder's smoothing settles
INACTIVE = [i for i, name in enumerate(ARKIT_NAMES) if name.startswith(("eyeLook", "tongueOut"))]


@pytest.fixture(scope="module")
def model():
    return load_model(MODEL_FOLDER)


@pytest.fixture(scope="module")
def opened(model):
    pytest.importorskip("onnxruntime")
    return open_session(model, 1)


@pytest.fixture(scope="module")
def session(opened):
    return opened.session


def listen(session, windows, emotion=None):
    count = len(windows)
    if emotion is None:
        emotion = np.zeros((count, 1, WIDTH), np.float32)
    return session.run(["result"], {"input": windows, "emotion": emotion})[0][:, 0]


def face_of(model, results):
    settings = settings_for(model, {"blink_interval": 0.0, "saccade_strength": 0.0})
    motion = split_result(model, np.ascontiguousarray(results, np.float32), FPS)
    return whole_face(model, motion, settings)


def columns(face, names):
    return face.weights[:, [face.names.index(name) for name in names]]


def test_the_folder_is_complete_and_small(model):
    files = list(MODEL_FOLDER.iterdir())
    assert sum(file.stat().st_size for file in files) < 20e6
    assert model.skin_rig is not None
    assert model.skin_rig.names == ARKIT_NAMES
    assert model.tongue_rig is not None
    assert model.tongue_rig.names == TONGUE_NAMES
    card = (MODEL_FOLDER / "README.md").read_text(encoding="utf-8")
    for word in ("seed", "recipe", "licence", "Apache-2.0", "Limits"):
        assert word in card


def test_the_folder_has_the_geometry_of_the_head(model):
    if not HEAD_FILE.exists():
        pytest.skip("the head is not built (python tools/head)")
    head = load_head(HEAD_FILE)
    message = "the head has changed: run `python tools/dev.py train refresh` and commit the folder"
    for part, rig in (("skin", model.skin_rig), ("tongue", model.tongue_rig)):
        mesh = head.parts[part]
        assert rig.neutral.shape == mesh.vertices.shape, message
        order = [mesh.shape_names.index(name) for name in rig.names]
        np.testing.assert_allclose(rig.neutral, mesh.vertices, atol=1e-4, err_msg=message)
        np.testing.assert_allclose(rig.deltas, mesh.shapes[order], atol=1e-4, err_msg=message)
    np.testing.assert_allclose(model.data.jaw_neutral, head.neutral_jaw, atol=1e-4, err_msg=message)


def test_the_geometry_of_any_weights_solves_back_to_them(model):
    rng = np.random.default_rng(3)
    skin, tongue = model.skin_rig, model.tongue_rig
    face = rng.uniform(0.0, 1.0, (40, 52)) * (rng.random((40, 52)) < 0.3)
    face[:, INACTIVE] = 0.0
    licking = rng.uniform(0.0, 1.0, (40, 16)) * (rng.random((40, 16)) < 0.4)
    licking[:, 1::2] *= licking[:, ::2] == 0.0  # up and down at once is neither
    results = np.zeros((40, model.info.result_length), np.float32)
    for weights, rig, shapes, first in (
        (face, skin, model.data.skin_shapes, 0),
        (licking, tongue, model.data.tongue_shapes, model.info.skin_shapes),
    ):
        shown = weights @ rig.deltas.reshape(len(rig.deltas), -1)
        basis = shapes.reshape(len(shapes), -1).astype(np.float64)
        coefficients = np.linalg.lstsq(basis.T, shown.T, rcond=None)[0].T
        np.testing.assert_allclose(coefficients @ basis, shown, atol=1e-4)
        results[:, first : first + len(shapes)] = coefficients
    solved = face_of(model, np.repeat(results, HELD, axis=0))
    np.testing.assert_allclose(columns(solved, ARKIT_NAMES)[HELD - 1 :: HELD], face, atol=1e-3)
    np.testing.assert_allclose(columns(solved, TONGUE_NAMES)[HELD - 1 :: HELD], licking, atol=1e-3)


def test_outputs_of_zero_are_a_still_face(model):
    face = face_of(model, np.zeros((30, model.info.result_length)))
    assert np.abs(face.weights).max() < 1e-6
    np.testing.assert_allclose(face.jaw, np.broadcast_to(np.eye(4), face.jaw.shape), atol=1e-5)
    assert np.abs(face.eyes).max() < 1e-6


@pytest.mark.parametrize("level", [0.0, 1e-4, 1e-3, 1e-2])
def test_in_silence_and_noise_the_lips_rest(model, session, level):
    noise = level * np.random.default_rng(0).normal(size=(60, 1, 8320))
    face = face_of(model, listen(session, noise.astype(np.float32)))
    assert columns(face, ["jawOpen"]).max() < 0.05
    assert columns(face, ["mouthClose", "mouthPucker", "mouthFunnel"]).max() < 0.08


def test_quiet_recordings_move_the_mouth_as_loud_ones_do(model, session, root):
    clip = read_voice(Voice(path=str(root / "assets" / "sample_voice.flac")))
    plan = plan_windows(len(clip.samples), FPS, 8320, 4160)
    faces = []
    for gain in (1.0, 0.1):
        windows = gather(clip.samples, plan, 0, 300, gain)[:, None]
        faces.append(columns(face_of(model, listen(session, windows)), ["jawOpen"])[:, 0])
    loud, quiet = faces
    assert loud.max() > 0.15
    assert np.abs(loud - quiet).mean() < 0.03
    assert np.corrcoef(loud, quiet)[0, 1] > 0.95


def test_the_batch_axis_is_free_and_windows_do_not_disturb_each_other(session):
    windows = 0.1 * np.random.default_rng(1).normal(size=(5, 1, 8320)).astype(np.float32)
    together = listen(session, windows)
    alone = np.concatenate([listen(session, windows[i : i + 1]) for i in range(5)])
    np.testing.assert_allclose(together, alone, atol=1e-3)


def test_the_network_has_the_published_signature(session):
    axes = {
        value.name: value.shape[1:] for value in [*session.get_inputs(), *session.get_outputs()]
    }
    assert axes == {"input": [1, 8320], "emotion": [1, WIDTH], "result": [1, 82]}


def test_the_network_for_whole_clips_says_the_same_of_the_same_samples(opened, root):
    clip = read_voice(Voice(path=str(root / "assets" / "sample_voice.flac")))
    stretch = np.stack([clip.samples[first : first + 8320 + 320 * 40] for first in (16000, 32107)])
    emotion = np.random.default_rng(0).random((2, 41, WIDTH)).astype(np.float32)
    feeds = {"input": stretch[:, None], "emotion": emotion}
    whole = opened.clip.run(["result"], feeds)[0]
    assert whole.shape == (2, 41, 82)
    windows = np.lib.stride_tricks.sliding_window_view(stretch, 8320, axis=1)[:, ::320]
    alone = listen(opened.session, windows.reshape(82, 1, 8320), emotion.reshape(82, 1, WIDTH))
    np.testing.assert_allclose(whole.reshape(82, 82), alone, atol=1e-4)


def test_emotions_move_the_face_and_the_shots_hold_the_same_poses(model, session):
    silence = np.zeros((1, 1, 8320), np.float32)
    for index, name in enumerate(EMOTIONS):
        emotion = np.zeros((1, 1, WIDTH), np.float32)
        emotion[0, 0, ACTIONS + index] = 1.0
        felt = face_of(model, listen(session, silence, emotion))
        assert felt.weights.max() > 0.2, name
        implicit = implicit_vector(model, name, 60)
        np.testing.assert_allclose(implicit, read_expressions().emotions[index], atol=1e-5)
        emotion[0, 0] = np.concatenate([implicit, np.zeros(10, np.float32)])
        shot = face_of(model, listen(session, silence, emotion))
        brows = [n for n in ARKIT_NAMES if n.startswith(("brow", "eyeW", "eyeS", "eyeB"))]
        np.testing.assert_allclose(columns(shot, brows), columns(felt, brows), atol=0.05)
    assert not implicit_vector(model, model.config["source_shot"], 0).any()


def test_shots_hold_their_expression_in_several_strengths(model):
    table = read_expressions()
    poses = {**dict(zip(EMOTIONS, table.emotions, strict=True)), **table.moods}
    assert set(model.emotion_db.names) == {"neutral", *poses}
    for name, pose in poses.items():
        for frame, strength in ((0, 0.0), (20, 1 / 3), (40, 2 / 3), (60, 1.0), (120, 0.0)):
            told = implicit_vector(model, name, frame)
            np.testing.assert_allclose(told, strength * pose, atol=1e-5)


def test_the_eyes_dart(model):
    saccades = model.data.saccades
    assert saccades.shape == (5000, 2)
    assert 0.3 < saccades.std() < 3.0
    assert np.abs(saccades).max() < 10.0
    moves = np.linalg.norm(np.diff(saccades, axis=0), axis=1)
    assert 0.02 < (moves > 0.3).mean() < 0.2  # at rest most of the time, then a dart


def test_nothing_is_named_that_the_folder_does_not_hold(model):
    index = json.loads((MODEL_FOLDER / "model.json").read_text(encoding="utf-8"))
    named = {value for value in index.values() if isinstance(value, str)}
    for entry in index["blendshapePaths"].values():
        named.update(entry.values())
    present = {file.name for file in MODEL_FOLDER.iterdir()}
    assert present == named | {"model.json", "README.md"}
