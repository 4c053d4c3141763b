# SPDX-License-Identifier: GPL-3.0-or-later
"""Change one thing: only what follows is done again, and the face is that of a fresh run."""

from __future__ import annotations

import dataclasses
import json
import shutil
from fractions import Fraction

import numpy as np
import pytest
import stub_diffusion
import stub_emotion
import stubs
from facewright.core import limits, pipeline
from facewright.core.emotion.source import EmotionSource
from facewright.core.emotion.track import EmotionTrack
from facewright.core.errors import Cancelled, UserError
from facewright.core.models.model import settings_for
from facewright.core.parameters import EMOTION_NAMES, PARAMETERS
from facewright.core.solve.pose_table import PoseTable, RigOverrides
from facewright.core.streaming import LiveFace
from facewright.core.voice.audio import Voice
from facewright.core.workbench import Workbench
from takes import assert_same, done_again, request_of

# What the published table says has to be done again, written down by hand.
FROM_NETWORK = {
    "network", "skin", "tongue", "teeth", "eyes", "skin_weights", "tongue_weights", "weights",
}  # fmt: skip
SKIN = {"skin", "skin_weights", "weights"}
TONGUE = {"tongue", "tongue_weights", "weights"}
SKIN_SOLVE = {"skin_solve", "skin_weights", "weights"}
TONGUE_SOLVE = {"tongue_solve", "tongue_weights", "weights"}
TABLE = {
    "input_strength": FROM_NETWORK,
    "prediction_delay": FROM_NETWORK,
    "source_shot": FROM_NETWORK,
    "source_frame": FROM_NETWORK,
    "fresh_noise": FROM_NETWORK,
    "noise_seed": FROM_NETWORK,
    "identity": FROM_NETWORK | {"skin_solve", "tongue_solve"},
    **{"emotion_" + name: FROM_NETWORK | {"emotion"} for name in EMOTION_NAMES},
    "detection_range": FROM_NETWORK | {"emotion", "detection"},
    "key_interval": FROM_NETWORK | {"emotion", "detection"},
    "overall_emotion_strength": FROM_NETWORK | {"emotion"},
    "key_smoothing": FROM_NETWORK | {"emotion"},
    "max_emotions": FROM_NETWORK | {"emotion"},
    "detected_emotion_contrast": FROM_NETWORK | {"emotion"},
    "preferred_strength": FROM_NETWORK | {"emotion"},
    "live_blend": FROM_NETWORK | {"emotion"},
    "live_transition": FROM_NETWORK | {"emotion"},
    "skin_strength": SKIN,
    "upper_face_strength": SKIN,
    "lower_face_strength": SKIN,
    "eyelid_open_offset": SKIN,
    "blink_strength": SKIN,
    "blink_offset": SKIN,
    "blink_interval": SKIN,
    "blink_seed": SKIN,
    "lip_open_offset": SKIN,
    "upper_face_smoothing": SKIN,
    "lower_face_smoothing": SKIN,
    "face_mask_level": SKIN,
    "face_mask_softness": SKIN,
    "eyeballs_strength": {"eyes"},
    "saccade_strength": {"eyes"},
    "eye_saccade_seed": {"eyes"},
    "saccade_pattern": {"eyes"},
    "right_eye_rot_x_offset": {"eyes"},
    "right_eye_rot_y_offset": {"eyes"},
    "left_eye_rot_x_offset": {"eyes"},
    "left_eye_rot_y_offset": {"eyes"},
    "head_motion": {"head"},
    "head_motion_strength": {"head"},
    "head_motion_seed": {"head"},
    "lower_teeth_strength": {"teeth"},
    "lower_teeth_height_offset": {"teeth"},
    "lower_teeth_depth_offset": {"teeth"},
    "tongue_strength": TONGUE,
    "tongue_height_offset": TONGUE,
    "tongue_depth_offset": TONGUE,
    "clamp_weights": {"weights"},
    "sdk_compatible": SKIN_SOLVE | TONGUE_SOLVE,
    "skin_regularization": SKIN_SOLVE,
    "skin_sparsity": SKIN_SOLVE,
    "skin_temporal": SKIN_SOLVE,
    "skin_symmetry": SKIN_SOLVE,
    "tongue_regularization": TONGUE_SOLVE,
    "tongue_sparsity": TONGUE_SOLVE,
    "tongue_temporal": TONGUE_SOLVE,
    "tongue_symmetry": TONGUE_SOLVE,
}
DETECTED = ("detection_range", "key_interval", "overall_emotion_strength", "key_smoothing",
            "max_emotions", "detected_emotion_contrast", "preferred_strength")  # fmt: skip
FILTERED = ("live_blend", "live_transition")  # only when emotion is detected frame by frame
OF_DIFFUSION = ("identity", "fresh_noise", "noise_seed")
SYMMETRY = {"bsSolveSymmetryPoses": [0, 0] + [-1] * 14}


@pytest.fixture(scope="module")
def voice(tmp_path_factory):
    path = tmp_path_factory.mktemp("voice") / "voice.wav"
    return Voice(path=str(stubs.write_wav(path, stubs.speech_like(2.0))))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    pairs = [0] + [-1] * 6 + [0] + [-1] * 44  # the two blinks
    return stubs.make_stub_model(
        tmp_path_factory.mktemp("model") / "stub",
        skin_solve={"bsSolveSymmetryPoses": pairs}, tongue_solve=SYMMETRY,
    ).folder  # fmt: skip


@pytest.fixture(scope="module")
def loaded(folder, tmp_path_factory):
    emotion = stub_emotion.make_stub_emotion(tmp_path_factory.mktemp("emotion") / "stub")
    return pipeline.open_model(folder, threads=1, emotion_folder=str(emotion.folder))


@pytest.fixture(scope="module")
def diffusion(tmp_path_factory):
    made = stub_diffusion.make_stub_diffusion(tmp_path_factory.mktemp("diffusion") / "stub")
    return pipeline.open_model(made.folder, threads=1)


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


def test_the_table_names_every_parameter():
    assert set(TABLE) == set(PARAMETERS)


@pytest.mark.parametrize("name", PARAMETERS)
def test_moving_a_parameter_redoes_only_what_the_table_says(loaded, diffusion, voice, name):
    used = diffusion if name in OF_DIFFUSION else loaded
    preferred = (0.0, 0.5, *[0.0] * 7, 0.3)
    source = EmotionSource()
    if name in DETECTED + FILTERED:
        source = EmotionSource(
            model="stub", mode="frames" if name in FILTERED else "keys", preferred=preferred
        )
    settings = {"key_interval": 0.4} if name in DETECTED else {}
    if name.startswith("eye_saccade"):
        settings = {"saccade_pattern": 3}
    if name.startswith("head_motion_"):
        settings = {"head_motion": True}
    bench = Workbench(used)
    bench.face(request_of(used, voice, settings, emotion=source))
    before = bench.counts.copy()
    assert set(before.values()) == {1}
    changed = request_of(used, voice, {**settings, name: moved(used, name)}, emotion=source)
    take = bench.face(changed)
    assert done_again(bench, before) == TABLE[name]
    fresh = Workbench(used).face(changed)
    assert_same(take, fresh)
    again = bench.counts.copy()
    assert_same(bench.face(changed), fresh)
    assert bench.counts == again


POSES = {
    "active": ({"jawOpen": False}, SKIN_SOLVE),
    "cancel": ({"eyeBlinkLeft": 4, "eyeBlinkRight": 4}, SKIN_SOLVE),
    "symmetry": ({"jawOpen": 9, "mouthClose": 9}, SKIN_SOLVE),
    "multipliers": ({"jawOpen": 0.5}, {"weights"}),
    "offsets": ({"jawOpen": 0.1}, {"weights"}),
}


@pytest.mark.parametrize("column", POSES)
def test_pose_tables_redo_the_solver_or_only_the_final_weights(loaded, voice, column):
    values, expected = POSES[column]
    settings = {"skin_symmetry": 0.5, "blink_offset": 0.5}
    bench = Workbench(loaded)
    first = bench.face(request_of(loaded, voice, settings))
    before = bench.counts.copy()
    rigs = RigOverrides(skin=PoseTable.from_mapping({column: values}))
    take = bench.redo(rigs=rigs)
    assert done_again(bench, before) == expected
    assert (take.face.weights != first.face.weights).any()
    fresh = Workbench(loaded).face(request_of(loaded, voice, settings, rigs=rigs))
    assert_same(take, fresh)
    assert take.rigs == rigs


def test_another_voice_redoes_all_but_the_solvers(loaded, voice, tmp_path):
    bench = Workbench(loaded)
    bench.face(request_of(loaded, voice))
    before = bench.counts.copy()
    part = dataclasses.replace(voice, start_s=0.5)
    take = bench.face(request_of(loaded, part))
    assert done_again(bench, before) == FROM_NETWORK | {"voice", "emotion", "detection"}
    assert_same(take, Workbench(loaded).face(request_of(loaded, part)))


def test_a_voice_that_was_saved_again_is_read_again(loaded, tmp_path):
    path = stubs.write_wav(tmp_path / "v.wav", stubs.speech_like(1.0))
    bench = Workbench(loaded)
    request = request_of(loaded, Voice(path=str(path)))
    bench.face(request)
    stubs.write_wav(path, stubs.speech_like(1.5, seed=4))
    take = bench.face(request)
    assert take.face.duration_s == 1.5
    assert bench.counts["network"] == 2


def test_a_face_is_redone_although_its_voice_has_gone(loaded, tmp_path):
    path = stubs.write_wav(tmp_path / "v.wav", stubs.speech_like(1.0))
    bench = Workbench(loaded)
    request = request_of(loaded, Voice(path=str(path)))
    first = bench.face(request)
    path.unlink()
    assert (bench.redo({"skin_strength": 0.5}).face.weights != first.face.weights).any()
    assert_same(bench.redo({}), first)
    with pytest.raises(UserError, match="does not exist"):
        bench.face(request)


def test_notices_of_both_networks_arrive_once(loaded, voice):
    said = [dataclasses.replace(network, notices=("CUDA is not there.", more)) for network, more in
            ((loaded.network, "One."), (loaded.emotion_network, "Two."))]  # fmt: skip
    used = dataclasses.replace(loaded, network=said[0], emotion_network=said[1])
    source = EmotionSource(model="stub", mode="keys")
    take = Workbench(used).face(request_of(used, voice, emotion=source))
    assert sorted(take.face.notices) == ["CUDA is not there.", "One.", "Two."]
    take = Workbench(used).face(request_of(used, voice))
    assert sorted(take.face.notices) == ["CUDA is not there.", "One."]


def test_emotion_keys_that_say_the_same_leave_the_network_alone(loaded, voice):
    bench = Workbench(loaded)
    bench.face(request_of(loaded, voice))
    keys = EmotionTrack(np.zeros(1), np.zeros((1, 10), np.float32))
    before = bench.counts.copy()
    bench.face(request_of(loaded, voice, emotion=EmotionSource(keys=keys)))
    assert done_again(bench, before) == {"emotion"}
    joy = EmotionTrack(np.zeros(1), np.eye(10, dtype=np.float32)[6:7])
    bench.face(request_of(loaded, voice, emotion=EmotionSource(keys=joy)))
    assert bench.counts["network"] == 2


def test_another_frame_rate_asks_a_regression_network_anew_and_a_diffusion_one_not(
    loaded, diffusion, voice
):
    for used, networks in ((loaded, 2), (diffusion, 1)):
        bench = Workbench(used)
        bench.face(request_of(used, voice))
        take = bench.redo(fps=Fraction(24))
        assert bench.counts["network"] == networks
        assert take.face.fps == 24
        assert take.face.frame_count == 48
        fresh = Workbench(used).face(dataclasses.replace(request_of(used, voice), fps=Fraction(24)))
        assert_same(take, fresh)
    assert take.motion.fps == 60


def test_a_person_is_known_by_any_spelling(diffusion, voice):
    bench = Workbench(diffusion)
    first = bench.face(request_of(diffusion, voice))
    before = bench.counts.copy()
    assert first.identity == "Claire"
    bench.face(request_of(diffusion, voice, {"identity": "CLAIRE"}))
    assert bench.counts == before
    other = bench.face(request_of(diffusion, voice, {"identity": "mark"}))
    assert other.identity == "Mark"
    assert (other.face.weights != first.face.weights).any()
    assert_same(bench.face(request_of(diffusion, voice)), first)
    assert_same(bench.face(request_of(diffusion, voice, {"identity": ""})), first)
    with pytest.raises(UserError, match=r"'Nobody'\. It has Claire, James"):
        bench.face(request_of(diffusion, voice, {"identity": "Nobody"}))


def test_a_source_shot_that_a_model_cannot_follow_is_told(loaded, diffusion, voice, tmp_path):
    told = Workbench(diffusion).face(request_of(diffusion, voice, {"source_shot": "mute_joy"}))
    assert [notice for notice in told.face.notices if "source shot" in notice]
    live = LiveFace(diffusion, Fraction(30), {"source_frame": 3})
    assert [notice for notice in live.notices if "source shot" in notice]
    stub = stubs.make_stub_model(tmp_path / "m")
    index = json.loads((stub.folder / "model.json").read_text())
    del index["emotionDatabasePath"]
    (stub.folder / "model.json").write_text(json.dumps(index))
    without = pipeline.open_model(stub.folder, threads=1)
    told = Workbench(without).face(request_of(without, voice))
    assert [notice for notice in told.face.notices if "emotionDatabasePath" in notice]
    for used, settings in ((loaded, {"source_shot": "mute_joy"}), (diffusion, {})):
        take = Workbench(used).face(request_of(used, voice, settings))
        assert not [notice for notice in take.face.notices if "source shot" in notice]


def test_without_a_name_it_is_the_person_that_was_opened(diffusion, voice):
    james = pipeline.open_model(diffusion.model.folder, "James", threads=1)
    bench = Workbench(james)
    assert bench.face(request_of(james, voice)).identity == "James"
    assert bench.face(request_of(james, voice, {"identity": "Mark"})).identity == "Mark"
    assert bench.face(request_of(james, voice)).identity == "James"
    assert bench.face(request_of(james, voice, {"identity": ""})).identity == "Claire"


@pytest.mark.parametrize("stop_after", [0, 1, 4, 7])
def test_a_run_that_was_stopped_leaves_what_was_there(loaded, voice, stop_after):
    bench = Workbench(loaded)
    first = bench.face(request_of(loaded, voice))
    asked = []

    def cancelled():
        asked.append(1)
        return len(asked) > stop_after

    with pytest.raises(Cancelled):
        bench.face(request_of(loaded, voice, {"input_strength": 2.0}), cancelled=cancelled)
    assert_same(bench.redo(), first)
    assert_same(bench.face(request_of(loaded, voice)), first)


def test_more_frames_than_a_take_may_have_are_refused_before_the_network(
    loaded, diffusion, voice, monkeypatch
):
    monkeypatch.setattr(limits, "MAX_FRAMES", 100)
    for used in (loaded, diffusion):
        bench = Workbench(used)
        bench.face(request_of(used, voice))
        with pytest.raises(UserError, match="would give 120 frames"):
            bench.redo(fps=Fraction(60))
        assert bench.counts["network"] == 1


def test_there_has_to_be_a_face_to_redo(loaded):
    with pytest.raises(UserError, match="no face yet"):
        Workbench(loaded).redo()


def test_models_without_rigs_only_move_jaw_and_eyes(tmp_path, voice):
    made = stub_diffusion.make_stub_diffusion(tmp_path / "m", rigs=False)
    loaded = pipeline.open_model(made.folder, threads=1)
    bench = Workbench(loaded)
    take = bench.face(request_of(loaded, voice))
    assert not take.face.weights[:, 52:].any()
    assert any("only jaw and eyes move" in notice for notice in take.face.notices)
    assert not {"skin", "tongue", "skin_solve", "skin_weights"} & set(bench.counts)
    shutil.rmtree(made.folder)
