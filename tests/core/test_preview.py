# SPDX-License-Identifier: GPL-3.0-or-later
"""A preview is the take's frame, whatever was changed, and costs the take's workbench nothing."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import stub_diffusion
import stub_emotion
import stubs
from facewright.core import pipeline, take_file
from facewright.core.emotion.source import EmotionSource, Mode
from facewright.core.emotion.track import EmotionTrack
from facewright.core.face.frame import TOLERANCE
from facewright.core.models.model import settings_for
from facewright.core.network.devices import OpenNetwork
from facewright.core.parameters import EMOTION_NAMES, PARAMETERS
from facewright.core.solve.pose_table import PoseTable, RigOverrides
from facewright.core.take import Loaded
from facewright.core.voice.audio import Voice
from facewright.core.workbench import Workbench
from takes import assert_same, request_of

ROOT = Path(__file__).resolve().parents[2]
RATES = (Fraction(24), Fraction(30), Fraction(60000, 1001), Fraction(60))
OF_DIFFUSION = ("identity", "fresh_noise", "noise_seed")
BEFORE_MOTION = {
    name for name, row in PARAMETERS.items() if row.stage in ("emotion", "network")
}  # fmt: skip
DETECTED = ("detection_range", "key_interval", "overall_emotion_strength", "key_smoothing",
            "max_emotions", "detected_emotion_contrast", "preferred_strength")  # fmt: skip
PREFERRED = (0.0, 0.5, *[0.0] * 7, 0.3)
SPOKEN = 3.0  # seconds


@pytest.fixture(scope="module")
def voice(tmp_path_factory):
    path = tmp_path_factory.mktemp("voice") / "voice.wav"
    return Voice(path=str(stubs.write_wav(path, stubs.speech_like(SPOKEN))))


@pytest.fixture(scope="module")
def emotion_folder(tmp_path_factory):
    return str(stub_emotion.make_stub_emotion(tmp_path_factory.mktemp("emotion") / "e").folder)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory, emotion_folder):
    pairs = [0] + [-1] * 6 + [0] + [-1] * 44  # the two blinks
    stub = stubs.make_stub_model(
        tmp_path_factory.mktemp("model") / "stub", skin_solve={"bsSolveSymmetryPoses": pairs}
    )
    return pipeline.open_model(stub.folder, threads=1, emotion_folder=emotion_folder)


@pytest.fixture(scope="module")
def diffusion(tmp_path_factory, emotion_folder):
    made = stub_diffusion.make_stub_diffusion(tmp_path_factory.mktemp("diffusion") / "stub")
    return pipeline.open_model(made.folder, threads=1, emotion_folder=emotion_folder)


@pytest.fixture(scope="module")
def built_in():
    folder = ROOT / "models" / "facewright"
    emotion = ROOT / "models" / "facewright-emotion"
    return pipeline.open_model(folder, threads=1, emotion_folder=str(emotion))


def moved(loaded, name):
    """Another value of a parameter than the model's."""
    if name == "identity":
        return "James"
    if name == "source_shot":
        return "mute_joy"
    row, now = PARAMETERS[name], getattr(settings_for(loaded.model, {}), name)
    if row.kind == "bool":
        return not now
    if row.kind == "int":
        return now - 3 if now > 3 else now + 3
    return (now + (row.maximum if now < row.maximum else row.minimum)) / 2


def at(request, **changes):
    return dataclasses.replace(request, **changes)


def assert_frame(preview, take):
    """The preview is its frame of the take."""
    n, face = preview.frame, preview.face
    assert face.frame_count == 1
    assert face.names == take.face.names
    assert (face.fps, face.duration_s) == (take.face.fps, take.face.duration_s)
    np.testing.assert_allclose(face.weights[0], take.face.weights[n], rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(face.jaw[0], take.face.jaw[n], rtol=0, atol=1e-5)
    np.testing.assert_allclose(face.eyes[0], take.face.eyes[n], rtol=0, atol=1e-4)
    assert (face.head is None) == (take.face.head is None)
    if face.head is not None:
        np.testing.assert_allclose(face.head[0], take.face.head[n], rtol=0, atol=1e-4)
    felt = take.emotion.sample(np.array([np.floor(n * 16000 / take.face.fps)]) / 16000)[0]
    np.testing.assert_allclose(preview.emotion, felt, rtol=0, atol=1e-5)
    assert preview.settings == take.settings


def frames_of(take, count=5, seed=0):
    """The first, the last and some between."""
    last = take.face.frame_count - 1
    return [0, last, *np.random.default_rng(seed).integers(1, last, count).tolist()]


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_moved_parameter_shows_at_once_as_the_take_will_show_it(loaded, diffusion, voice, name):
    used = diffusion if name in OF_DIFFUSION else loaded
    settings = {"key_interval": 0.4, "head_motion": True, "skin_temporal": 0.01}
    if name.startswith("eye_saccade"):
        settings["saccade_pattern"] = 3
    mode: Mode = "frames" if name.startswith("live") else "off"
    mode = "keys" if name in DETECTED else mode
    source = EmotionSource(model="stub", mode=mode, preferred=PREFERRED if mode != "off" else None)
    bench = Workbench(used)
    request = request_of(used, voice, settings, emotion=source)
    before = bench.face(request)
    counts = bench.counts.copy()
    changed = at(request, settings={**settings, name: moved(used, name)})
    expected = Workbench(used).face(changed)
    for frame in frames_of(expected):
        preview = bench.preview(changed, frame)
        if used is diffusion:
            assert preview is None
        else:
            assert_frame(preview, expected)
    done = set(bench.previewed)
    if name not in BEFORE_MOTION:
        assert not done & {"voice", "windows", "emotion_windows", "network", "emotion"}
    assert not done & {"voice", "network", "detection"}
    assert bench.counts == counts
    assert_same(bench.face(request), before)
    assert bench.counts == counts


@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize("family", ["loaded", "diffusion", "built_in"])
def test_every_rate_and_family(request, voice, family, fps):
    used = request.getfixturevalue(family)
    bench = Workbench(used)
    asked = at(request_of(used, voice, {"head_motion": True}), fps=fps)
    take = bench.face(asked)
    later = {"head_motion": True, "skin_strength": 0.8, "upper_face_smoothing": 0.1,
             "eyeballs_strength": 0.3, "tongue_strength": 2.0, "lower_teeth_strength": 0.4,
             "face_mask_level": 0.5}  # fmt: skip
    for settings in ({"head_motion": True}, later):
        expected = Workbench(used).face(at(asked, settings=settings))
        for frame in frames_of(expected, 8):
            assert_frame(bench.preview(at(asked, settings=settings), frame), expected)
    assert set(bench.previewed) <= {"tongue_solve", "skin_solve"}
    if used is diffusion_of(request):
        return
    before = {"input_strength": 1.7, "prediction_delay": 0.1, "emotion_joy": 0.8,
              "head_motion": True}  # fmt: skip
    expected = Workbench(used).face(at(asked, settings=before))
    for frame in frames_of(expected, 8, 1):
        assert_frame(bench.preview(at(asked, settings=before), frame), expected)
    assert bench.previewed["windows"] > 0
    assert_same(bench.face(asked), take)


def diffusion_of(request):
    return request.getfixturevalue("diffusion")


@pytest.mark.parametrize("mode", ["frames", "keys"])
@pytest.mark.parametrize("family", ["loaded", "built_in"])
def test_without_a_take_only_what_is_near_is_heard(request, tmp_path, family, mode):
    used = request.getfixturevalue(family)
    path = stubs.write_wav(tmp_path / "v.wav", stubs.speech_like(24.0))
    settings = {"key_interval": 0.3, "key_smoothing": 1, "live_transition": 0.3,
                "overall_emotion_strength": 1.0}  # fmt: skip
    source = EmotionSource(model="stub", mode=mode, preferred=PREFERRED)
    asked = request_of(used, Voice(path=str(path)), settings, emotion=source)
    bench = Workbench(used)
    expected = Workbench(used).face(asked)
    for frame in (600, 601):
        assert_frame(bench.preview(asked, frame), expected)
    # keys: 2 around the frames, 1 averaged on either side, 2 to spare; frames: seconds of memory
    assert 0 < bench.previewed["emotion_windows"] <= 18
    assert bench.previewed["windows"] == 2
    for frame in (0, expected.face.frame_count - 1):
        assert_frame(bench.preview(asked, frame), expected)
    assert not bench.counts
    take = bench.face(asked)
    assert_same(take, expected)
    counts = bench.previewed.copy()
    other = at(asked, settings={**settings, "live_blend": 0.2, "detected_emotion_contrast": 2.0})
    expected = Workbench(used).face(other)
    assert_frame(bench.preview(other, 500), expected)
    assert bench.previewed["emotion_windows"] == counts["emotion_windows"]


@pytest.mark.parametrize(
    "source",
    [
        EmotionSource(overrides={"joy": 0.7}),
        EmotionSource(preferred=PREFERRED),
        EmotionSource(keys=EmotionTrack(np.array([0.0, 1.0, 2.5]), np.eye(10, dtype="f4")[4:7])),
        EmotionSource(model="stub", mode="frames", overrides={"fear": 0.4}),
        EmotionSource(model="stub", mode="frames", beginning=(1.0,) * 10),
        EmotionSource(
            model="stub", mode="frames",
            keys=EmotionTrack(np.array([0.0, 2.5]), np.eye(10, dtype="f4")[[2, 6]]),
        ),
        EmotionSource(model="stub", mode="keys", overrides={"fear": 0.4}),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "settings",
    [{}, {"live_blend": 1.0}, {"overall_emotion_strength": 1.0, "preferred_strength": 0.0},
     {"live_transition": 10.0}, {"overall_emotion_strength": 1.0, "live_transition": 0.001}],
)  # fmt: skip
def test_every_source_of_emotion(loaded, voice, source, settings):
    bench = Workbench(loaded)
    bench.face(request_of(loaded, voice))
    changed = request_of(loaded, voice, settings, emotion=source)
    expected = Workbench(loaded).face(changed)
    for frame in (0, 40, 89):
        assert_frame(bench.preview(changed, frame), expected)


RIGS = {
    "active": {"jawOpen": False},
    "cancel": {"eyeBlinkLeft": 4, "eyeBlinkRight": 4},
    "symmetry": {"jawOpen": 9, "mouthClose": 9},
    "multipliers": {"jawOpen": 0.5},
    "offsets": {"jawOpen": 0.1},
}


@pytest.mark.parametrize("column", RIGS)
@pytest.mark.parametrize("settings", [{}, {"sdk_compatible": True, "skin_temporal": 0.3}])
def test_pose_tables(loaded, voice, column, settings):
    bench = Workbench(loaded)
    bench.face(request_of(loaded, voice))
    rigs = RigOverrides(skin=PoseTable.from_mapping({column: RIGS[column]}))
    changed = request_of(loaded, voice, settings, rigs=rigs)
    expected = Workbench(loaded).face(changed)
    for frame in frames_of(expected):
        assert_frame(bench.preview(changed, frame), expected)


@pytest.mark.parametrize("temporal", [0.001, 0.03, 0.1])
@pytest.mark.parametrize("smoothing", [0.0, 0.02, 0.1])
def test_stages_that_remember_have_a_long_enough_run_up(built_in, temporal, smoothing):
    """The voice is much longer than the run-up, so the frames really begin in the middle."""
    voice = Voice(path=str(ROOT / "assets" / "sample_voice.flac"))
    settings = {"skin_temporal": temporal, "upper_face_smoothing": smoothing,
                "lower_face_smoothing": smoothing}  # fmt: skip
    asked = at(request_of(built_in, voice, settings), fps=Fraction(60))
    bench = Workbench(built_in)
    expected = bench.face(asked)
    for frame in (0, 3, 100, 333, 500, 639, 640):  # without anything of the take, and beside it
        assert_frame(Workbench(built_in).preview(asked, frame), expected)
        assert_frame(bench.preview(asked, frame), expected)


def test_a_rig_that_nothing_changed_is_the_takes_own(built_in):
    """Up and down of a tongue can undo each other, so its temporal smoothing never forgets."""
    path = Voice(path=str(ROOT / "assets" / "sample_voice.flac"))
    settings = {"tongue_temporal": 0.1}
    asked = at(request_of(built_in, path, settings), fps=Fraction(60))
    bench = Workbench(built_in)
    bench.face(asked)
    changed = at(asked, settings={**settings, "skin_strength": 0.8, "eyeballs_strength": 0.1})
    expected = Workbench(built_in).face(changed)
    for frame in (0, 300, 500, 640):
        assert_frame(bench.preview(changed, frame), expected)
    nearby = at(asked, settings={**settings, "tongue_strength": 1.55})
    expected = Workbench(built_in).face(nearby)
    for frame in (300, 500, 640):
        found = bench.preview(nearby, frame).face.weights[0]
        np.testing.assert_allclose(found, expected.face.weights[frame], rtol=0, atol=0.05)


def test_a_preview_is_the_nearest_frame_of_the_take(loaded, voice):
    bench = Workbench(loaded)
    asked = request_of(loaded, voice)
    take = bench.face(asked)
    for wanted, given in ((-5, 0), (10_000, take.face.frame_count - 1)):
        preview = bench.preview(asked, wanted)
        assert preview.frame == given
        assert_frame(preview, take)


def test_a_diffusion_model_needs_a_face_first(diffusion, voice):
    bench = Workbench(diffusion)
    for mode in ("keys", "frames"):
        source = EmotionSource(model="stub", mode=mode)
        assert bench.preview(request_of(diffusion, voice, emotion=source), 3) is None
    assert set(bench.previewed) == {"voice", "skin_solve", "tongue_solve"}
    assert bench.preview(request_of(diffusion, voice), 3) is None


@pytest.mark.parametrize("family", ["loaded", "diffusion"])
@pytest.mark.parametrize("mode", ["off", "frames", "keys"])
def test_a_saved_take_is_as_good_as_a_workbench(request, voice, tmp_path, family, mode):
    used = request.getfixturevalue(family)
    source = EmotionSource(model="stub", mode=mode)
    asked = request_of(used, voice, {"head_motion": True}, emotion=source)
    take_file.write_take(tmp_path / "take.npz", Workbench(used).face(asked))
    saved = take_file.read_take(tmp_path / "take.npz")
    bench = Workbench.from_take(Loaded(used.model, OpenNetwork(None)), saved)
    changed = at(asked, settings={"head_motion": True, "skin_strength": 0.5})
    expected = Workbench(used).face(changed)
    for frame in frames_of(expected):
        assert_frame(bench.preview(changed, frame, used), expected)
    if mode == "off" or family == "diffusion":  # else hearing all again only to compare is dearer
        assert "windows" not in bench.previewed
    other = at(asked, settings={"input_strength": 0.4})
    preview = bench.preview(other, 20, used)
    if family == "diffusion":
        assert preview is None
    else:
        assert_frame(preview, Workbench(used).face(other))
    assert_same(bench.redo(), saved)


def test_the_voice_may_have_gone_since_it_was_heard(loaded, tmp_path):
    path = stubs.write_wav(tmp_path / "v.wav", stubs.speech_like(1.0))
    bench = Workbench(loaded)
    asked = request_of(loaded, Voice(path=str(path)))
    take = bench.face(asked)
    path.unlink()
    assert_frame(bench.preview(asked, 12), take)
    assert bench.voice == asked.voice


def test_previews_keep_little(loaded, voice):
    """However many values a slider goes through, only the last ones stay."""
    bench = Workbench(loaded)
    asked = request_of(loaded, voice)
    bench.face(asked)
    sizes = []
    for step in range(30):
        settings = {"input_strength": 0.5 + step / 100, "face_mask_level": 0.3 + step / 100}
        bench.preview(at(asked, settings=settings), 20 + step)
        sizes.append(bench.size)
    assert max(sizes[5:]) <= sizes[4] * 1.01


@pytest.mark.parametrize("name", EMOTION_NAMES)
def test_emotions_that_a_slider_names_reach_the_network(loaded, voice, name):
    bench = Workbench(loaded)
    preview = bench.preview(request_of(loaded, voice, {"emotion_" + name: 0.25}), 10)
    place = preview.emotion_names.index(name)
    assert preview.emotion[place] == np.float32(0.25)
    assert preview.emotion.sum() == np.float32(0.25)
