# SPDX-License-Identifier: GPL-3.0-or-later
"""The emotion timeline as the network is given it, from the panel's keys to the worker's answer.

Expected strengths are computed here from the keys, in seconds of the voice.
"""

from __future__ import annotations

import json

import bpy
import numpy as np
import pytest
import stubs
from makers import curves_of, strengths_at
from stub_emotion import make_stub_emotion

OPS = bpy.ops.facewright


@pytest.fixture
def given(wired, code, own_face, voice, stub, monkeypatch):
    """Run Animate; the emotion that the network was given, at seconds of the voice (T, 10)."""
    wired.player.voice_path, wired.character.skin = voice, own_face
    wired.pipeline.model = str(stub.folder)
    animate = code("operators.animate").FACEWRIGHT_OT_animate
    results, report = [], animate.tell

    def tell(self, result):
        results.append(result)
        report(self, result)

    monkeypatch.setattr(animate, "tell", tell)
    names = code("core.parameters").EMOTION_NAMES

    def run(seconds):
        assert OPS.animate() == {"FINISHED"}
        result = results[-1]
        times, values = np.asarray(result.emotion_times), np.asarray(result.emotion_values)
        order = [result.emotion_names.index(name) for name in names]
        return np.stack([np.interp(seconds, times, values[:, at]) for at in order], axis=1)

    yield run
    code("properties.progress").STATE.clear()


SECONDS = np.arange(0, 1.5, 0.05)


def test_untouched_sliders_are_the_models_and_set_ones_the_users(given, wired, row):
    np.testing.assert_array_equal(given(SECONDS)[0], given(SECONDS)[-1])
    wired.pipeline.emotion.set_values(tuple(row(joy=0.75, fear=0.25)))
    np.testing.assert_allclose(given(SECONDS), np.tile(row(joy=0.75, fear=0.25), (30, 1)))


def test_a_models_own_emotion_stays_until_it_is_touched(wired, code, tmp_path, row, key):
    emotions = code("core.parameters").EMOTION_NAMES
    own = stubs.make_stub_model(tmp_path / "happy").folder
    info = own / "network_info.json"
    found = json.loads(info.read_text("utf-8"))
    found["params"]["default_emotion"] = [
        0.3 if name == "joy" else 0.0 for name in found["params"]["explicit_emotions"]
    ]
    info.write_text(json.dumps(found), "utf-8")
    chosen = code("operators.chosen")
    wired.player.voice_source, wired.pipeline.model = "SAMPLE", str(own)
    assert chosen.options_of(wired.pipeline, wired.player)["settings"] == {}
    wired.pipeline.emotion.fear = 0.5
    settings = chosen.options_of(wired.pipeline, wired.player)["settings"]
    assert settings == {"emotion_fear": 0.5}
    wired.pipeline.emotion.keyframe_insert("fear", frame=1)
    options = chosen.options_of(wired.pipeline, wired.player)
    assert options["settings"] == {}
    values = options["emotion"].keys.values[0]
    np.testing.assert_allclose(values, row(joy=0.3, fear=0.5))
    assert len(values) == len(emotions)


@pytest.mark.parametrize(("fps", "base"), [(24, 1.0), (30, 1.001), (60, 1.0)])
def test_keys_reach_the_network_at_their_time(given, wired, key, row, fps, base):
    wired.scene.render.fps, wired.scene.render.fps_base = fps, base
    wired.player.start_frame, wired.player.range_start = 101, 0.25
    rate = fps / base
    key(105, joy=0.2)
    key(125, joy=0.8, anger=0.4)
    begin = 101 + 0.25 * rate
    times = [(105 - begin) / rate, (125 - begin) / rate]
    seconds = SECONDS[SECONDS < 1.2]
    share = np.clip((seconds - times[0]) / (times[1] - times[0]), 0, 1)[:, None]
    expected = (1 - share) * row(joy=0.2) + share * row(joy=0.8, anger=0.4)
    np.testing.assert_allclose(given(seconds), expected, atol=2e-3)


def test_curves_bent_in_the_graph_editor_reach_the_network(given, wired, key, code):
    key(1, joy=0.1)
    key(31, joy=0.9)
    for curve in curves_of(wired.scene).values():
        for point in curve.keyframe_points:
            point.interpolation = "BEZIER"
        curve.update()
    shown = np.stack([strengths_at(wired, frame) for frame in range(1, 46)])
    assert np.abs(shown[:31, 6] - np.linspace(0.1, 0.9, 31)).max() > 0.02
    np.testing.assert_allclose(given(np.arange(45) / 30), shown, atol=1e-4)


def test_steps_stay_steps(given, wired, key, row):
    key(1, joy=0.2)
    key(16, joy=0.9)
    for curve in curves_of(wired.scene).values():
        for point in curve.keyframe_points:
            point.interpolation = "CONSTANT"
    found = given(np.arange(45) / 30)
    np.testing.assert_allclose(found[:15], np.tile(row(joy=0.2), (15, 1)), atol=1e-6)
    np.testing.assert_allclose(found[15:], np.tile(row(joy=0.9), (30, 1)), atol=1e-6)


def test_one_keyed_emotion_leaves_the_others_at_their_sliders(given, wired, row):
    wired.pipeline.emotion.set_values(tuple(row(joy=0.5, grief=0.25)))
    wired.pipeline.emotion.keyframe_insert("joy", frame=1)
    np.testing.assert_allclose(given(SECONDS), np.tile(row(joy=0.5, grief=0.25), (30, 1)))


def test_the_preferred_emotion_is_not_mixed_into_the_timeline_once_more(given, wired, key, row):
    key(1, joy=0.5)
    wired.pipeline.emotion.set_values(tuple(row(fear=1.0)))
    OPS.preferred_load()
    np.testing.assert_allclose(given(SECONDS), np.tile(row(joy=0.5), (30, 1)), atol=1e-6)


def test_in_voice_mode_keys_or_sliders_are_mixed_in_unless_something_is_preferred(
    given, wired, key, row, code, tmp_path
):
    library, pipeline = code("properties.library"), wired.pipeline
    hearing = make_stub_emotion(tmp_path / "hearing").folder
    licence = library.look(hearing).licence
    library.add_model(library.preferences(), hearing, accepted=licence.key if licence else "")
    pipeline.detect_emotion, pipeline.emotion_model = "FRAMES", str(hearing)
    pipeline.live_blend, pipeline.live_transition = 0.0, 0.001
    pipeline.overall_emotion_strength = 0.5
    try:
        heard = given(SECONDS)
        assert heard.max() > 0.05
        pipeline.preferred_strength = 1.0  # what is mixed in, alone
        np.testing.assert_allclose(given(SECONDS), heard, atol=1e-6)  # nothing is
        pipeline.emotion.set_values(tuple(row(grief=0.8)))
        np.testing.assert_allclose(given(SECONDS), np.tile(row(grief=0.4), (30, 1)), atol=1e-6)
        key(1, joy=0.0)
        key(46, joy=1.0)
        ramp = np.clip(SECONDS / 1.5, 0, 1)[:, None] * row(joy=0.5)
        np.testing.assert_allclose(given(SECONDS), ramp, atol=2e-3)
        pipeline.emotion.set_values(tuple(row(fear=0.6)))
        OPS.preferred_load()
        np.testing.assert_allclose(given(SECONDS), np.tile(row(fear=0.3), (30, 1)), atol=1e-6)
        pipeline.preferred_strength = 0.5
        half = 0.5 * heard + 0.5 * row(fear=0.3)
        np.testing.assert_allclose(given(SECONDS), half, atol=1e-5)
    finally:
        library.preferences().models.clear()


def test_cycles_and_slopes_go_on_after_the_last_key(wired, key, code, curves):
    wired.scene.frame_end = 120
    key(1, joy=0.0)
    key(11, joy=1.0)
    for curve in curves_of(wired.scene).values():
        curve.modifiers.new("CYCLES")
    wired.scene.animation_data.action.update_tag()  # Python's changes are not seen by themselves
    track = code("scene.emotion_track").emotion_track(wired.scene, 0, 1.0)
    frames = np.arange(1.0, 121.0)
    shown = np.stack([strengths_at(wired, frame) for frame in frames])
    np.testing.assert_allclose(track.sample((frames - 1) / 30), shown, atol=1e-3)
    assert np.ptp(shown[60:, 6]) > 0.5


def test_a_long_still_timeline_needs_few_rows(wired, key, code):
    tracks = code("scene.emotion_track")
    key(1, joy=0.5)
    for frame in range(100, 2000, 100):
        key(frame, joy=0.5)
    track = tracks.emotion_track(wired.scene, 0, 1.0)
    assert len(track.times_s) == 1
    key(200_000, joy=0.9)
    for curve in curves_of(wired.scene).values():
        curve.keyframe_points[-2].interpolation = "SINE"
    track = tracks.emotion_track(wired.scene, 0, 1.0)
    assert len(track.times_s) <= tracks.MOST_FRAMES + 100
    assert track.sample(np.array([1e9]))[0, 6] == pytest.approx(0.9)
