# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole path on the stub model, against a slow way through the published formulas."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
import references
import stub_diffusion
import stub_emotion
import stubs
from facewright.core import pipeline
from facewright.core.emotion.source import EmotionSource
from facewright.core.errors import Cancelled, UserError
from facewright.core.face import shaping
from facewright.core.models.model import load_model, settings_for
from facewright.core.naming import ARKIT_NAMES, CANONICAL_NAMES
from facewright.core.network.checkpoint import Checkpoint
from facewright.core.postprocess import blink as blinks
from facewright.core.postprocess import eyes, jaw
from facewright.core.voice.audio import Voice, read_voice

SETTINGS = {
    "emotion_joy": 0.4, "skin_strength": 1.2, "lower_face_smoothing": 0.02, "blink_interval": 0.9,
    "input_strength": 1.4,
}  # fmt: skip


def animate(voice, folder, fps, settings, progress=None, cancelled=None, loaded=None, **more):
    request = pipeline.Request(voice, folder, fps, settings, **more)
    return pipeline.animate(request, progress, cancelled, loaded)


@pytest.fixture(scope="module")
def take(stub, voice_file):
    return animate(Voice(path=str(voice_file)), stub.folder, Fraction(30), SETTINGS)


def column(face, name):
    return face.weights[:, face.names.index(name)]


def test_the_face_is_what_the_formulas_say(stub, model, voice_file, take):
    """Network in closed form, animator on vertices, scipy's solver: nothing shared but the data."""
    clip = read_voice(Voice(path=str(voice_file)))
    s = settings_for(model, SETTINGS)
    starts = [i * 16000 // 30 - 4160 for i in range(60)]
    loud = [np.abs(references.window(clip.samples, k, 8320, 1.4)).mean() for k in starts]
    emotion = np.concatenate([stub.emo_db[3], np.zeros(10)])
    emotion[16 + 6] = 0.4
    result = stub.result(np.array(loud), np.repeat(emotion[None], 60, axis=0))
    skin, tongue = result[:, :6], result[:, 6:9]
    blink = blinks.blink_track(60, Fraction(30), model.data.blink_profile, s)
    faces = references.skin_frames(model.data, skin, blink, 30, s)
    tongues = (
        model.data.tongue_neutral + [0, s.tongue_height_offset, s.tongue_depth_offset]
        + s.tongue_strength * np.einsum("tk,kvx->tvx", tongue, model.data.tongue_shapes)
    )  # fmt: skip
    for rig, geometry, offset in ((model.skin_rig, faces, 0), (model.tongue_rig, tongues, 52)):
        matrix, a, _ = references.solve_matrix(rig)
        rows = slice(None) if rig.mask is None else rig.mask
        active = np.flatnonzero(rig.config.active)
        for t in range(0, 60, 7):
            target = (geometry[t] - rig.neutral.astype(float))[rows].reshape(-1)
            expected = references.bounded_minimum(a, matrix.T @ target)
            np.testing.assert_allclose(take.face.weights[t, offset + active], expected, atol=1e-4)


def test_a_take_holds_what_is_needed(stub, model, take, voice_file):
    face = take.face
    assert face.names == CANONICAL_NAMES
    assert face.weights.shape == (60, 68)
    assert face.weights.dtype == face.jaw.dtype == face.eyes.dtype == np.float32
    assert face.jaw.shape == (60, 4, 4)
    assert face.eyes.shape == (60, 2, 2)
    assert (face.fps, face.duration_s, face.notices) == (30, 2.0, ())
    assert take.voice_name == voice_file.name
    assert take.voice_sha256 == read_voice(Voice(path=str(voice_file))).sha256
    assert (take.model_name, take.model_sha256) == ("stub", model.sha256)
    assert take.settings == settings_for(model, SETTINGS)
    assert set(take.timings) == {
        "model", "voice", "emotion", "network", "postprocess", "solve",
    }  # fmt: skip


def test_the_mouth_opens_with_the_voice_and_eyes_and_jaw_move(model, take):
    loud = take.motion.skin[:, 0]
    assert np.corrcoef(column(take.face, "jawOpen"), loud)[0, 1] > 0.9
    assert column(take.face, "eyeBlinkLeft").max() > 0.7
    values = take.settings
    expected = eyes.eye_angles(take.motion.eyes, model.data.saccades, Fraction(30), values)
    np.testing.assert_array_equal(take.face.eyes, expected)
    looks = eyes.eye_look_weights(expected)
    assert len(looks) == 8
    for name, weights in looks.items():
        np.testing.assert_array_equal(column(take.face, name), weights)
    np.testing.assert_array_equal(
        take.face.jaw, jaw.jaw_motion(model.data.jaw_neutral, take.motion.jaw, values)
    )
    assert np.ptp(take.face.jaw[:, 1, 3]) > 0.01
    np.testing.assert_allclose(take.face.jaw_rest, model.data.jaw_neutral.mean(axis=0), rtol=1e-6)


@pytest.mark.parametrize(
    "fps", [Fraction(24), Fraction(24000, 1001), Fraction(60), Fraction(60000, 1001)]
)
def test_any_frame_rate_gives_frames_at_the_times_of_the_voice(stub, voice_file, fps):
    face = animate(Voice(path=str(voice_file)), stub.folder, fps, {}).face
    assert face.fps == fps
    assert face.frame_count == -(-2 * fps.numerator // fps.denominator)
    assert (face.frame_count - 1) / fps < face.duration_s <= face.frame_count / fps


def test_doubling_the_frame_rate_keeps_the_frames_at_common_times(stub, voice_file):
    """Every frame of a regression model stands alone but for the smoothing over time."""
    still = dict.fromkeys(
        ("upper_face_smoothing", "lower_face_smoothing", "blink_interval", "saccade_strength"), 0.0
    )
    voice = Voice(path=str(voice_file))
    once, twice = (animate(voice, stub.folder, Fraction(fps), still) for fps in (30, 60))
    for part in ("skin", "tongue", "jaw", "eyes"):
        found = getattr(twice.motion, part)[::2]
        np.testing.assert_allclose(found, getattr(once.motion, part), atol=1e-6)
    np.testing.assert_allclose(twice.face.weights[::2], once.face.weights, atol=1e-6)
    np.testing.assert_allclose(twice.face.jaw[::2], once.face.jaw, atol=1e-6)


def test_the_same_input_gives_the_same_bits_whatever_the_threads(stub, voice_file, take):
    again = animate(Voice(path=str(voice_file)), stub.folder, Fraction(30), SETTINGS, threads=1)
    for part in ("weights", "jaw", "eyes"):
        np.testing.assert_array_equal(getattr(again.face, part), getattr(take.face, part))


def test_the_same_bits_in_another_process_with_other_libraries_threads(
    root, stub, voice_file, take, tmp_path
):
    program = """
import runpy, sys
from fractions import Fraction
root, model, voice, out = sys.argv[1:]
runpy.run_path(root + "/worker/bootstrap.py")["load_package"]()
import numpy
from facewright.core import pipeline
from facewright.core.voice.audio import Voice
settings = {"emotion_joy": 0.4, "skin_strength": 1.2, "lower_face_smoothing": 0.02,
            "blink_interval": 0.9, "input_strength": 1.4}
request = pipeline.Request(Voice(path=voice), model, Fraction(30), settings)
take = pipeline.animate(request)
numpy.save(out, take.face.weights)
"""
    out = tmp_path / "weights.npy"
    subprocess.run(
        [sys.executable, "-c", program, str(root), str(stub.folder), str(voice_file), str(out)],
        check=True, env={"OPENBLAS_NUM_THREADS": "1", "PATH": ""},
    )  # fmt: skip
    np.testing.assert_array_equal(np.load(out), take.face.weights)


def test_later_stages_can_be_redone_without_the_network(stub, model, take):
    loaded = pipeline.Loaded(model, network=None)  # there is none that could be asked
    again = pipeline.redo(take, loaded)
    np.testing.assert_array_equal(again.face.weights, take.face.weights)
    assert again.settings == take.settings
    less = pipeline.redo(take, loaded, {**SETTINGS, "lower_face_strength": 0.3})
    assert column(less.face, "jawOpen").max() < column(take.face, "jawOpen").max()
    with pytest.raises(UserError, match=r"input_strength.*before the network"):
        pipeline.redo(take, loaded, {})


def test_a_loaded_model_may_be_used_again(stub, voice_file, take):
    loaded = pipeline.open_model(stub.folder, threads=1)
    again = animate(Voice(path=str(voice_file)), stub.folder, Fraction(30), SETTINGS, loaded=loaded)
    np.testing.assert_array_equal(again.face.weights, take.face.weights)


def test_progress_never_falls_and_every_stage_has_a_text(stub, voice_file):
    told = []
    animate(Voice(path=str(voice_file)), stub.folder, Fraction(120), {},
        progress=lambda share, text: told.append((share, text)),
    )  # fmt: skip
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert len({text for _, text in told}) == 7


def test_blocks_of_frames_do_not_change_the_face(model, take, monkeypatch):
    monkeypatch.setattr(shaping, "_BLOCK", 7)
    again = pipeline.redo(take, pipeline.Loaded(model, network=None))
    np.testing.assert_array_equal(again.face.weights, take.face.weights)


@pytest.mark.parametrize("stop_after", [0, 1, 3, 6, 12])
def test_cancelling_stops_anywhere(stub, voice_file, stop_after):
    asked = []

    def cancelled():
        asked.append(1)
        return len(asked) > stop_after

    with pytest.raises(Cancelled):
        animate(Voice(path=str(voice_file)), stub.folder, Fraction(240), {}, cancelled=cancelled)
    assert len(asked) == stop_after + 1


def test_silence_gives_a_still_mouth_that_still_blinks(tmp_path, stub):
    path = stubs.write_wav(tmp_path / "silence.wav", np.zeros(48000))
    face = animate(Voice(path=str(path)), stub.folder, Fraction(30), {}).face
    others = [n for n in ARKIT_NAMES if n.startswith(("mouth", "jaw"))]
    still = np.stack([column(face, name) for name in others], axis=1)
    blinking = column(face, "eyeBlinkLeft") > 0.3
    assert blinking.any()
    before = int(np.argmax(blinking)) - 6
    np.testing.assert_allclose(still[:before], still[:1].repeat(before, axis=0), atol=1e-3)


def test_notices_of_the_voice_and_of_the_model_arrive(tmp_path, voice_file):
    stubs.make_stub_model(tmp_path / "m", tongue=False)
    face = animate(Voice(path=str(voice_file), end_s=0.3), tmp_path / "m", Fraction(30), {}).face
    assert "under 0.5 s" in face.notices[0]
    assert "no poses for the tongue" in face.notices[1]
    assert not face.weights[:, 52:].any()


def test_the_processor_that_was_used_and_its_notices_arrive(stub, voice_file):
    loaded = pipeline.open_model(stub.folder, threads=1)
    said = "CUDA was asked for; the CPU was used."
    loaded = dataclasses.replace(
        loaded, network=dataclasses.replace(loaded.network, notices=(said,))
    )
    take = animate(Voice(path=str(voice_file)), stub.folder, Fraction(30), {}, loaded=loaded)
    assert take.face.notices == (said,)
    assert take.device == "cpu"
    assert take.network_ms_per_frame > 0
    assert (take.identity, take.emotion_names) == ("stub", loaded.model.info.emotions)


def test_emotion_is_read_from_the_voice(tmp_path, stub, voice_file):
    folder = str(stub_emotion.make_stub_emotion(tmp_path / "emotion").folder)
    voice = Voice(path=str(voice_file))
    source = EmotionSource(model=folder, mode="frames")
    take = animate(voice, stub.folder, Fraction(30), {}, emotion=source)
    assert len(take.emotion.times_s) == 60
    assert take.emotion.values.max() > 0.02
    plain = animate(voice, stub.folder, Fraction(30), {})
    assert (take.face.weights != plain.face.weights).any()
    # without the folder nothing is detected, and that is said
    loaded = pipeline.open_model(stub.folder, threads=1)
    silent = animate(voice, stub.folder, Fraction(30), {}, emotion=source, loaded=loaded)
    assert any("not detected" in notice for notice in silent.face.notices)
    np.testing.assert_array_equal(silent.face.weights, plain.face.weights)


def test_a_long_run_that_was_stopped_goes_on_from_its_checkpoint(tmp_path):
    folder = stub_diffusion.make_stub_diffusion(tmp_path / "m").folder
    loaded = pipeline.open_model(folder, threads=1)
    voice = Voice(path=str(stubs.write_wav(tmp_path / "v.wav", stubs.speech_like(12.0))))
    path = tmp_path / "run.npz"
    whole = animate(voice, folder, Fraction(30), {}, loaded=loaded)
    asked = []

    def cancelled():
        asked.append(1)
        return path.exists() and len(asked) > 30

    with pytest.raises(Cancelled):
        animate(
            voice, folder, Fraction(30), {}, None, cancelled, loaded, checkpoint=Checkpoint(path, 1)
        )
    assert path.exists()
    again = animate(voice, folder, Fraction(30), {}, loaded=loaded, checkpoint=path)
    np.testing.assert_array_equal(again.face.weights, whole.face.weights)
    assert not path.exists()


def test_poses_with_other_names_come_after_the_canonical_ones(tmp_path, voice_file):
    folder = stubs.make_stub_model(tmp_path / "m").folder
    with np.load(folder / "bs_skin.npz", allow_pickle=False) as npz:
        arrays = dict(npz)
    arrays["smirk"] = arrays.pop("jawOpen")
    arrays["poseNames"] = np.array(
        ["smirk" if name == "jawOpen" else name for name in arrays["poseNames"]]
    )
    np.savez(folder / "bs_skin.npz", **arrays)
    face = animate(Voice(path=str(voice_file)), folder, Fraction(30), {}).face
    assert face.names == (*CANONICAL_NAMES, "smirk")
    assert column(face, "smirk").max() > 0.1
    assert not column(face, "jawOpen").any()


def test_eye_look_poses_take_the_rigs_multiplier_unless_it_solves_them(tmp_path, voice_file):
    names = stubs.arkit_names()
    multipliers = [0.5 if name == "eyeLookUpLeft" else 1.0 for name in names]
    active = [int(not name.startswith(stubs.INACTIVE) or name == "eyeLookInLeft") for name in names]
    solve = {"bsWeightMultipliers": multipliers, "bsSolveActivePoses": active}
    folder = stubs.make_stub_model(tmp_path / "m", skin_solve=solve).folder
    face = animate(
        Voice(path=str(voice_file)), folder, Fraction(30), {"left_eye_rot_y_offset": -9.0}
    ).face
    looks = eyes.eye_look_weights(face.eyes)
    np.testing.assert_array_equal(column(face, "eyeLookUpLeft"), 0.5 * looks["eyeLookUpLeft"])
    assert (column(face, "eyeLookInLeft") != looks["eyeLookInLeft"]).all()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"voice": Voice(path="/nowhere/v.wav")}, r"v\.wav does not exist"),
        ({"folder": "/nowhere/model"}, "model folder /nowhere/model does not exist"),
        ({"fps": Fraction(0)}, "frame rate of 0"),
        ({"fps": Fraction(100_000)}, "frame rate of 100000"),
        ({"settings": {"skin_strength": 5}}, "Skin Strength"),
        ({"settings": {"nonsense": 5}}, "nonsense"),
        ({"settings": {"source_shot": "nope"}}, "nope"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(stub, voice_file, change, says):
    call = {
        "voice": Voice(path=str(voice_file)), "folder": stub.folder, "fps": Fraction(30),
        "settings": {},
    }  # fmt: skip
    with pytest.raises(UserError, match=says) as caught:
        animate(**{**call, **change})
    assert "\n" not in str(caught.value)


def test_model_defaults_count_where_the_user_says_nothing(tmp_path, voice_file):
    loud = stubs.make_stub_model(tmp_path / "loud", config={"input_strength": 2.0})
    assert load_model(loud.folder).config["input_strength"] == 2.0
    voice = Voice(path=str(voice_file))
    theirs = animate(voice, loud.folder, Fraction(30), {}).motion.skin[:, 0]
    ours = animate(voice, loud.folder, Fraction(30), {"input_strength": 1.0}).motion.skin
    offset = theirs[0] - 2 * ours[0, 0]  # the emotion's part, the same in every frame
    np.testing.assert_allclose(theirs, 2 * ours[:, 0] + offset, atol=1e-4)
