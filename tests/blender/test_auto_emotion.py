# SPDX-License-Identifier: GPL-3.0-or-later
"""Auto-emotion: keys from the voice, compared with sums done here for a network in closed form."""

from __future__ import annotations

import math
from types import SimpleNamespace

import bpy
import numpy as np
import pytest
import stubs
from layouts import Layout
from makers import curves_of
from stub_emotion import CORRESPONDENCE, LABELS, make_stub_emotion

OPS = bpy.ops.facewright
RATE = 16000


@pytest.fixture(scope="session")
def hearing(tmp_path_factory):
    """An Audio2Emotion folder whose output is known in closed form."""
    return make_stub_emotion(tmp_path_factory.mktemp("emotion") / "hearing")


@pytest.fixture(scope="session")
def changing():
    """A voice of 6.3 s that is loud, quiet and silent by turns, (N,) float32 at 16 kHz."""
    time_s = np.arange(int(6.3 * RATE)) / RATE
    loud = np.select([time_s < 2, time_s < 3.5, time_s < 4.5], [0.5, 0.1, 0.0], 0.3)
    return (loud * np.sin(2 * np.pi * 220 * time_s)).astype(np.float32)


@pytest.fixture(scope="session")
def track(tmp_path_factory, changing):
    return str(stubs.write_wav(tmp_path_factory.mktemp("voice") / "changing.wav", changing))


@pytest.fixture
def ready(wired, code, hearing, track):
    """A pipeline that can generate."""
    library = code("properties.library")
    wired.player.voice_path = track
    wired.pipeline.emotion_model = str(hearing.folder)
    licence = library.look(hearing.folder).licence
    library.add_model(
        library.preferences(), hearing.folder, accepted=licence.key if licence else ""
    )
    yield wired
    library.preferences().models.clear()
    code("properties.progress").STATE.clear()


@pytest.fixture
def kept(code, track):
    """The voice as the worker reads it: int16 in the file."""

    def read(first_s=0.0, last_s=None):
        import wave

        with wave.open(track) as file:
            raw = np.frombuffer(file.readframes(file.getnframes()), np.int16)
        end = len(raw) if last_s is None else round(last_s * RATE)
        return raw[round(first_s * RATE) : end].astype(np.float64) / 32768

    return read


def expected(hearing, samples, *, window_s=1.4, interval_s=1.0, contrast=1.0, most=6,
             preferred=None, share=0.5, strength=0.6, radius=0):  # fmt: skip
    """Seconds (K,) and strengths (K, 10) of the keys up to the one at or after the end."""
    length = round(window_s * RATE)
    count = math.ceil(len(samples) / RATE / interval_s) + 1
    padded = np.concatenate([np.zeros(length), samples, np.zeros(length + RATE * 20)])
    rows = []
    for k in range(count):
        centre = math.floor(k * interval_s * RATE) + length
        window = padded[centre - length // 2 : centre - length // 2 + length]
        logits = hearing.output(window[None])[0] * contrast
        powers = np.exp(logits - logits.max())
        shares = dict(zip(LABELS, powers / powers.sum(), strict=True))
        shares["neutral"] = 0.0
        strongest = sorted(shares, key=lambda name: -shares[name])[:most]
        row = np.zeros(10)
        for name in strongest:
            if name != "neutral":
                row[CORRESPONDENCE[name]] = shares[name]
        if preferred is not None:
            row = (1 - share) * row + share * np.asarray(preferred)
        rows.append(row * strength)
    smooth = [np.mean(rows[max(0, k - radius) : k + radius + 1], axis=0) for k in range(count)]
    return np.arange(count) * interval_s, np.array(smooth)


def up_to(keys, end_s):
    """A key at the end of the voice takes the place of the one after it."""
    times, rows = keys
    inside = times < end_s
    last = [np.interp(end_s, times, column) for column in rows.T]
    return np.append(times[inside], end_s), np.vstack([rows[inside], last])


def written(scene, curves, place=0):
    times = curves.key_times(scene, place)
    return times, curves.sample(scene, place, times)


# ---- generate -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("fps", "base"), [(24, 1.0), (30, 1.001), (60, 1.0)])
def test_keys_are_what_is_heard_at_the_right_frames(ready, curves, hearing, kept, fps, base):
    ready.scene.render.fps, ready.scene.render.fps_base = fps, base
    ready.player.start_frame = 51
    ready.player.range_start, ready.player.range_end = 0.75, 5.0
    assert OPS.generate_emotion() == {"FINISHED"}
    times, rows = up_to(expected(hearing, kept(0.75, 5.0)), 4.25)
    frames, values = written(ready.scene, curves)
    np.testing.assert_array_equal(frames, np.round(51 + (0.75 + times) * fps / base))
    np.testing.assert_allclose(values, rows, atol=1e-4)
    assert np.ptp(values, axis=0).max() > 0.05


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        ({"detection_range": 2.5}, {"window_s": 2.5}),
        ({"key_interval": 0.5}, {"interval_s": 0.5}),
        ({"overall_emotion_strength": 1.0}, {"strength": 1.0}),
        ({"key_smoothing": 2}, {"radius": 2}),
        ({"max_emotions": 2}, {"most": 2}),
        ({"detected_emotion_contrast": 2.5}, {"contrast": 2.5}),
    ],
)
def test_every_control_does_what_it_says(ready, curves, hearing, kept, chosen, told):
    for name, value in chosen.items():
        setattr(ready.pipeline, name, value)
    assert OPS.generate_emotion() == {"FINISHED"}
    times, rows = up_to(expected(hearing, kept(), **told), 6.3)
    frames, values = written(ready.scene, curves)
    np.testing.assert_array_equal(frames, np.round(1 + times * 30))
    np.testing.assert_allclose(values, rows, atol=1e-4)
    assert OPS.reset(names=",".join(chosen)) == {"FINISHED"}
    OPS.generate_emotion()
    times, rows = up_to(expected(hearing, kept()), 6.3)
    np.testing.assert_allclose(written(ready.scene, curves)[1], rows, atol=1e-4)


def test_the_preferred_emotion_is_mixed_in_throughout(ready, curves, hearing, kept, code):
    emotion, pipeline = ready.pipeline.emotion, ready.pipeline
    text = code("panels.auto_emotion").preferred_text
    assert text(pipeline) == "is not set" and not OPS.preferred_clear.poll()
    emotion.cheekiness, emotion.joy = 0.8, 0.4
    assert OPS.preferred_load() == {"FINISHED"}
    assert text(pipeline) == "Cheekiness 0.80, Joy 0.40"
    liked = np.array(emotion.values())
    emotion.chosen = "neutral"  # later changes of the sliders do not matter
    pipeline.preferred_strength = 0.25
    OPS.generate_emotion()
    _times, rows = up_to(expected(hearing, kept(), preferred=liked, share=0.25), 6.3)
    np.testing.assert_allclose(written(ready.scene, curves)[1], rows, atol=1e-4)
    assert OPS.preferred_clear() == {"FINISHED"} and text(pipeline) == "is not set"
    OPS.generate_emotion()
    _times, rows = up_to(expected(hearing, kept()), 6.3)
    np.testing.assert_allclose(written(ready.scene, curves)[1], rows, atol=1e-4)


def test_keys_outside_the_used_part_stay(ready, curves):
    ready.player.start_frame, ready.player.range_end = 11, 2.0
    joyful = np.eye(10)[6]
    for frame in (5, 10, 11, 30, 71, 72, 90):  # the used part is 11..71
        curves.add_key(ready.scene, 0, frame, joyful)
    assert OPS.generate_emotion() == {"FINISHED"}
    times, values = written(ready.scene, curves)
    np.testing.assert_array_equal(times, [5, 10, 11, 41, 71, 72, 90])
    for at in (0, 1, 5, 6):
        np.testing.assert_array_equal(values[at], joyful)
    assert (values[2:5, 6] < 0.7).all()
    kinds = {p.interpolation for c in curves_of(ready.scene).values() for p in c.keyframe_points}
    assert kinds == {"LINEAR"}


def test_generated_keys_are_shown_at_once_and_go_to_the_network_as_they_are(ready, curves, code):
    ready.pipeline.emotion.pain = 1.0
    OPS.generate_emotion()
    ready.scene.frame_set(1)
    first = curves.sample(ready.scene, 0, np.array([1.0]))[0]
    np.testing.assert_allclose(ready.pipeline.emotion.values(), first, atol=1e-6)
    keys = code("operators.chosen").emotion_of(ready.pipeline).keys
    times, values = written(ready.scene, curves)
    np.testing.assert_allclose(keys.sample((times - 1) / 30), values, atol=1e-6)


def test_generating_again_changes_nothing(ready, curves):
    OPS.generate_emotion()
    before = written(ready.scene, curves)
    OPS.generate_emotion()
    after = written(ready.scene, curves)
    np.testing.assert_array_equal(before[0], after[0])
    np.testing.assert_array_equal(before[1], after[1])


def test_a_named_pipeline_is_generated_and_no_other(ready, curves):
    chosen = ready.scene.facewright
    OPS.duplicate_pipeline()
    chosen.active_pipeline = 0
    assert OPS.generate_emotion(pipeline=chosen.pipelines[1].name) == {"FINISHED"}
    assert curves.has_keys(ready.scene, 1) and not curves.has_keys(ready.scene, 0)


def test_a_strip_is_read_where_it_lies(ready, curves, track):
    if not bpy.app.build_options.audaspace:
        pytest.skip("this bpy has no sound")
    editor = ready.scene.sequence_editor_create()
    listed = editor.strips if hasattr(editor, "strips") else editor.sequences
    listed.new_sound(name="Voice", filepath=track, channel=1, frame_start=31)
    ready.player.voice_source, ready.player.strip = "STRIP", "Voice"
    assert OPS.generate_emotion() == {"FINISHED"}
    assert curves.key_times(ready.scene, 0)[:3].tolist() == [31, 61, 91]


# ---- ends ---------------------------------------------------------------------------------------


def test_what_is_missing_is_said(ready, code, tmp_path):
    reason = code("operators.auto_emotion").FACEWRIGHT_OT_generate_emotion.disabled_reason
    assert reason(bpy.context) == ""
    ready.player.voice_path = ""
    assert reason(bpy.context) == "Choose a voice first"
    ready.player.voice_path = str(tmp_path / "gone.wav")
    with pytest.raises(RuntimeError, match=r"gone\.wav does not exist"):
        OPS.generate_emotion()
    ready.player.voice_source = "SAMPLE"
    ready.pipeline.emotion_model = str(make_stub_emotion(tmp_path / "other").folder)
    assert reason(bpy.context) == "The terms of other are not accepted yet"
    ready.pipeline.emotion_model = str(tmp_path)
    assert reason(bpy.context).startswith("There is no model in the folder")
    ready.pipeline.player_id = ""
    assert reason(bpy.context) == "Choose a player first"


def test_a_cancelled_run_leaves_everything_as_it_was(ready, code, curves):
    auto = code("operators.auto_emotion")
    curves.add_key(ready.scene, 0, 40, np.eye(10)[6])
    steps = auto.listening_steps(auto.listening_of(ready.scene, ready.pipeline))
    next(steps)
    steps.close()
    np.testing.assert_array_equal(curves.key_times(ready.scene, 0), [40])
    steps = auto.listening_steps(auto.listening_of(ready.scene, ready.pipeline))
    next(steps)
    ready.scene.facewright.remove_pipeline(ready.pipeline)
    with pytest.raises(code("core.errors").Cancelled, match="the pipeline no longer exists"):
        for _step in steps:
            pass
    assert len(curves_of(ready.scene)) == 10


def test_a_broken_voice_leaves_everything_as_it_was(ready, curves, tmp_path):
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"no sound at all")
    ready.player.voice_path = str(bad)
    with pytest.raises(RuntimeError, match=r"bad\.wav"):
        OPS.generate_emotion()
    assert not curves_of(ready.scene)


def test_our_own_model_listens_where_there_is_none_and_says_so(wired, code, curves):
    wired.player.voice_source = "SAMPLE"
    state = code("properties.progress").STATE
    assert OPS.generate_emotion() == {"FINISHED"}
    assert state.outcome.endswith("read by Facewright Emotion")
    assert curves.has_keys(wired.scene, 0)
    state.clear()


# ---- when the track changes ---------------------------------------------------------------------


@pytest.fixture
def pump(code, monkeypatch):
    """Let what is scheduled happen now; returns whether anything still waits."""
    module, changes = code("operators.pump"), code("operators.track_change")
    monkeypatch.setattr(changes, "QUIET_S", 0.0)

    def run():
        module.pump()
        return bool(changes._wishes)

    return run


def test_it_generates_when_the_track_changes_and_only_then(ready, curves, pump, track):
    ready.player.channel = 1
    pump()
    assert not curves.has_keys(ready.scene, 0)  # off by default
    ready.pipeline.auto_generate = True
    ready.player.volume = 0.5
    pump()
    assert not curves.has_keys(ready.scene, 0)
    ready.player.voice_path = track
    ready.player.channel = 0
    assert not pump()
    assert curves.has_keys(ready.scene, 0)


def test_it_waits_for_the_running_job_and_is_about_the_players_own(ready, curves, pump, code):
    chosen, state = ready.scene.facewright, code("properties.progress").STATE
    OPS.duplicate_pipeline()  # with a player of its own, and shown
    for pipeline in chosen.pipelines:
        pipeline.auto_generate = True
    chosen.players[1].voice_path = ""
    pump()
    state.begin()
    chosen.players[0].channel = 1
    assert pump()
    assert not curves_of(ready.scene)
    state.clear()
    assert not pump()
    assert curves.has_keys(ready.scene, 0) and not curves.has_keys(ready.scene, 1)


def test_a_duplicated_pipeline_keeps_its_hand_made_keys(ready, curves, pump):
    ready.pipeline.auto_generate = True
    curves.add_key(ready.scene, 0, 40, np.eye(10)[6])
    OPS.duplicate_pipeline()
    pump()
    np.testing.assert_array_equal(curves.key_times(ready.scene, 1), [40])


# ---- panel --------------------------------------------------------------------------------------


def test_the_panels_show_every_control(ready, code):
    shown: list[str] = []
    context = SimpleNamespace(scene=ready.scene, region=None, preferences=bpy.context.preferences)
    names = {"auto_emotion": ("auto_emotion", "auto_emotion_live"), "emotion": ("emotion",)}
    for module, panels in names.items():
        for name in panels:
            panel = getattr(code(f"panels.{module}"), f"FACEWRIGHT_PT_{name}")
            panel.draw(SimpleNamespace(layout=Layout(shown)), context)
    for text in (
        "Detection Range", "Key Interval", "Emotion Strength", "Smoothing", "Max Emotions",
        "Contrast", "Preferred Emotion: is not set", "Preferred Strength", "Load", "Clear",
        "Reset All", "auto_generate", "emotion_choice", "Generate", "Solo", "Clear Strength",
        "frame", "Add", "Remove", "No keys", "Out of Breath", "chosen", "detect_emotion",
    ):  # fmt: skip
        assert text in shown, text


def test_ranges_and_defaults_are_the_manuals(code):
    rows = code("core.parameters").PARAMETERS
    assert {
        name: (rows[name].minimum, rows[name].maximum, rows[name].default)
        for name in ("overall_emotion_strength", "max_emotions", "detected_emotion_contrast",
                     "preferred_strength")
    } == {
        "overall_emotion_strength": (0, 1, 0.6),
        "max_emotions": (1, 6, 6),
        "detected_emotion_contrast": (0.3, 3, 1),
        "preferred_strength": (0, 1, 0.5),
    }  # fmt: skip
    defaults = {name: rows[name].default for name in ("detection_range", "key_interval")}
    assert defaults == {"detection_range": 1.4, "key_interval": 1.0}
    assert rows["key_smoothing"].default == 0 and rows["key_smoothing"].kind == "int"


def test_reset_all_of_the_panel_sets_everything_back(ready):
    pipeline = ready.pipeline
    pipeline.max_emotions, pipeline.key_interval, pipeline.auto_generate = 2, 3.0, True
    pipeline.emotion.joy = 0.5
    OPS.preferred_load()
    assert OPS.reset(names="max_emotions,key_interval,preferred,auto_generate") == {"FINISHED"}
    assert (pipeline.max_emotions, pipeline.key_interval) == (6, 1.0)
    assert not (pipeline.auto_generate or pipeline.has_preferred or any(pipeline.preferred))
    assert pipeline.emotion.joy == 0.5
