# SPDX-License-Identifier: GPL-3.0-or-later
"""The emotion panel: solo, clear strength, keys as ordinary curves, and what the network is given.

Expected strengths are computed here from the keys, in seconds of the voice.
"""

from __future__ import annotations

import json

import bpy
import numpy as np
import pytest
import stubs
from makers import curves_of
from stub_emotion import make_stub_emotion

OPS = bpy.ops.facewright


@pytest.fixture
def curves(code):
    return code("scene.emotion_curves")


@pytest.fixture
def names(code):
    return code("core.parameters").EMOTION_NAMES


@pytest.fixture
def row(names):
    """Ten strengths of which the named ones are not 0."""

    def make(**strengths):
        return np.array([strengths.get(name, 0.0) for name in names], np.float32)

    return make


@pytest.fixture
def key(wired, row):
    """Set a key at a frame through the panel's own button."""

    def make(frame, **strengths):
        wired.pipeline.emotion.frame = frame
        wired.pipeline.emotion.set_values(tuple(row(**strengths)))
        assert OPS.emotion_key_add() == {"FINISHED"}

    return make


def at(wired, frame):
    """What the sliders show at a frame."""
    wired.scene.frame_set(int(frame), subframe=frame % 1)
    return np.array(wired.pipeline.emotion.values())


def stored(scene):
    """Every curve of the scene as plain values."""
    return {
        path: [(round(p.co[0], 4), round(p.co[1], 6), p.interpolation) for p in c.keyframe_points]
        for (path, _index), c in curves_of(scene).items()
    }


# ---- sliders ------------------------------------------------------------------------------------


def test_solo_sets_one_to_full_and_all_others_to_none(wired, row):
    emotion = wired.pipeline.emotion
    emotion.joy, emotion.pain, emotion.chosen = 0.4, 0.7, "fear"
    assert OPS.emotion_solo() == {"FINISHED"}
    np.testing.assert_array_equal(emotion.values(), row(fear=1.0))


def test_neutral_sets_all_to_none_and_cannot_be_solo(wired):
    emotion = wired.pipeline.emotion
    emotion.joy, emotion.fear = 0.4, 1.0
    emotion.chosen = "neutral"
    assert not any(emotion.values())
    assert not OPS.emotion_solo.poll() and not OPS.emotion_clear_strength.poll()


def test_clear_strength_is_now_and_in_every_key_and_nothing_else(wired, key, row):
    key(1, joy=0.5, fear=0.25)
    key(21, joy=1.0, pain=0.5)
    wired.pipeline.emotion.frame = 11
    wired.pipeline.emotion.chosen = "joy"
    before = stored(wired.scene)
    assert OPS.emotion_clear_strength() == {"FINISHED"}
    np.testing.assert_allclose(
        wired.pipeline.emotion.values(), row(fear=0.125, pain=0.25), atol=1e-6
    )
    after = stored(wired.scene)
    path = "facewright.pipelines[0].emotion.joy"
    assert after.pop(path) == [(1.0, 0.0, "LINEAR"), (21.0, 0.0, "LINEAR")]
    assert before.pop(path) and before == after
    for frame in (1, 11, 21, 40):
        assert at(wired, frame)[6] == 0.0


def test_clear_strength_flattens_curved_keys(wired, key):
    key(1, joy=0.2)
    key(31, joy=0.9)
    curve = curves_of(wired.scene)["facewright.pipelines[0].emotion.joy", 0]
    for point in curve.keyframe_points:
        point.interpolation = "BEZIER"
        point.handle_left_type = point.handle_right_type = "FREE"
        point.handle_right = (point.co[0] + 5, 1.5)
    wired.pipeline.emotion.chosen = "joy"
    OPS.emotion_clear_strength()
    assert max(at(wired, frame)[6] for frame in range(1, 40)) == 0.0


# ---- keys ---------------------------------------------------------------------------------------


def test_keys_hold_all_emotions_and_are_joined_by_straight_lines(wired, key, row, curves):
    key(1, joy=0.2)
    key(11, joy=0.8, anger=0.5)
    assert len(curves_of(wired.scene)) == 10
    np.testing.assert_allclose(at(wired, 6), row(joy=0.5, anger=0.25), atol=1e-6)
    np.testing.assert_allclose(at(wired, 30), row(joy=0.8, anger=0.5), atol=1e-6)
    np.testing.assert_array_equal(curves.key_times(wired.scene, 0), [1, 11])
    key(6, fear=1.0)
    np.testing.assert_array_equal(curves.key_times(wired.scene, 0), [1, 6, 11])
    key(6, grief=1.0)  # again at the same frame: no second key
    np.testing.assert_array_equal(curves.key_times(wired.scene, 0), [1, 6, 11])
    np.testing.assert_allclose(at(wired, 6), row(grief=1.0), atol=1e-6)


def test_keys_are_removed_one_by_one_and_all_at_once(wired, key, curves, row):
    for frame, joy in ((1, 0.2), (11, 0.8), (21, 0.4)):
        key(frame, joy=joy)
    wired.scene.frame_set(12)
    assert not OPS.emotion_key_remove.poll()
    wired.scene.frame_set(11)
    assert OPS.emotion_key_remove() == {"FINISHED"}
    np.testing.assert_array_equal(curves.key_times(wired.scene, 0), [1, 21])
    assert wired.pipeline.emotion.joy == pytest.approx(0.3, abs=1e-6)  # shown at once
    assert OPS.emotion_keys_clear() == {"FINISHED"}
    assert not curves_of(wired.scene) and not curves.has_keys(wired.scene, 0)
    np.testing.assert_allclose(at(wired, 50), row(joy=0.3), atol=1e-6)
    assert not OPS.emotion_keys_clear.poll()
    key(5, joy=1.0)
    OPS.emotion_key_remove()
    assert not curves_of(wired.scene)


def test_one_goes_from_key_to_key(wired, key):
    for frame in (-3, 10, 25):
        key(frame, joy=0.5)
    scene = wired.scene
    scene.frame_set(9)
    assert OPS.emotion_key_next() == {"FINISHED"} and scene.frame_current == 10
    assert OPS.emotion_key_next() == {"FINISHED"} and scene.frame_current == 25
    assert not OPS.emotion_key_next.poll()
    assert OPS.emotion_key_previous() == {"FINISHED"} and scene.frame_current == 10
    assert OPS.emotion_key_previous() == {"FINISHED"} and scene.frame_current == -3
    assert not OPS.emotion_key_previous.poll()
    assert wired.pipeline.emotion.frame == -3
    wired.pipeline.emotion.frame = 17
    assert scene.frame_current == 17


def test_a_key_between_two_frames_can_be_reached_and_removed(wired, curves, row):
    curves.add_key(wired.scene, 0, 10.5, row(joy=1.0))
    wired.scene.frame_set(10)
    assert not OPS.emotion_key_remove.poll()
    OPS.emotion_key_next()
    assert wired.scene.frame_current_final == 10.5
    assert OPS.emotion_key_remove() == {"FINISHED"}
    assert not curves.has_keys(wired.scene, 0)


def test_keys_of_blenders_own_are_the_same_keys(wired, key, curves):
    emotion = wired.pipeline.emotion
    emotion.joy = 0.6
    assert emotion.keyframe_insert("joy", frame=4)
    np.testing.assert_array_equal(curves.key_times(wired.scene, 0), [4])
    key(8, joy=0.1)
    joy = curves_of(wired.scene)["facewright.pipelines[0].emotion.joy", 0]
    assert [point.co[0] for point in joy.keyframe_points] == [4, 8]
    wired.scene.frame_set(4)
    OPS.emotion_key_remove()
    np.testing.assert_array_equal(curves.key_times(wired.scene, 0), [8])


def test_an_artists_curves_in_the_same_action_stay(wired, key, curves):
    scene = wired.scene
    scene.keyframe_insert("gravity", index=2, frame=3)
    key(5, joy=1.0)
    assert ("gravity", 2) in curves_of(scene) and len(curves_of(scene)) == 11
    OPS.emotion_keys_clear()
    assert list(curves_of(scene)) == [("gravity", 2)]


def test_a_scene_that_is_linked_is_refused_with_a_sentence(wired, key, curves, tmp_path):
    key(5, joy=1.0)
    path = str(tmp_path / "shot.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path, copy=True)
    name = wired.scene.name
    with bpy.data.libraries.load(path, link=True) as (_source, target):
        target.scenes = [name]
    linked = next(scene for scene in bpy.data.scenes if scene.library)
    with bpy.context.temp_override(scene=linked):
        assert not OPS.emotion_key_add.poll()
        assert not OPS.emotion_solo.poll()
    assert "is linked from another file" in curves.refusal(linked)
    with pytest.raises(Exception, match="is linked from another file"):
        curves.clear_keys(linked, 0)


def test_curves_are_grouped_for_the_graph_editor(wired, key):
    key(5, joy=1.0)
    groups = {curve.group.name for curve in curves_of(wired.scene).values()}
    assert groups == {"Emotion Core"}


# ---- several pipelines --------------------------------------------------------------------------


@pytest.fixture
def three(wired, curves, row):
    """Three pipelines with a key each, at frames 10, 20 and 30."""
    chosen = wired.scene.facewright
    for place, name in enumerate(("joy", "fear", "pain")):
        if place:
            chosen.add_pipeline("Core", chosen.players[0])
        curves.add_key(wired.scene, place, 10 * (place + 1), row(**{name: 0.5}))
    return chosen


@pytest.mark.parametrize("removed", [0, 1, 2])
def test_a_removed_pipeline_takes_its_curves_and_no_others(three, wired, curves, removed):
    kept = [(p.id, 10 * (at + 1)) for at, p in enumerate(three.pipelines) if at != removed]
    three.active_pipeline = removed
    assert OPS.remove_pipeline() == {"FINISHED"}
    found = [
        (p.id, *curves.key_times(wired.scene, at).tolist()) for at, p in enumerate(three.pipelines)
    ]
    assert found == kept
    assert len(curves_of(wired.scene)) == 20


def test_a_duplicate_has_copies_of_the_keys(three, wired, curves):
    three.active_pipeline = 1
    before = curves.sample(wired.scene, 1, np.arange(60.0))
    assert OPS.duplicate_pipeline() == {"FINISHED"}
    assert len(three.pipelines) == 4
    np.testing.assert_array_equal(curves.sample(wired.scene, 3, np.arange(60.0)), before)
    np.testing.assert_array_equal(curves.key_times(wired.scene, 3), [20])
    assert three.active_pipeline == 3
    OPS.emotion_keys_clear()
    np.testing.assert_array_equal(curves.key_times(wired.scene, 1), [20])


def test_drivers_and_strips_follow_a_pipeline_too(three, wired, key):
    scene = wired.scene
    driver = three.pipelines[2].emotion.driver_add("grief").driver
    driver.expression = "0.25"
    data = scene.animation_data
    track = data.nla_tracks.new()
    for start in (1, 100):  # the same action twice is moved once
        track.strips.new(f"Emotion {start}", start, data.action)
    three.active_pipeline = 0
    OPS.remove_pipeline()
    assert [d.data_path for d in data.drivers] == ["facewright.pipelines[1].emotion.grief"]
    assert {path.split(".")[1] for path, _index in curves_of(scene)} == {
        "pipelines[0]", "pipelines[1]",
    }  # fmt: skip


# ---- what the network is given ------------------------------------------------------------------


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
    shown = np.stack([at(wired, frame) for frame in range(1, 46)])
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
    shown = np.stack([at(wired, frame) for frame in frames])
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


# ---- saving, undo -------------------------------------------------------------------------------


def test_keys_survive_saving_and_loading(wired, key, tmp_path, curves):
    key(1, joy=0.2)
    key(11, joy=0.8)
    path = str(tmp_path / "keys.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    scene = bpy.context.scene
    np.testing.assert_array_equal(curves.key_times(scene, 0), [1, 11])
    scene.frame_set(6)
    assert scene.facewright.pipelines[0].emotion.joy == pytest.approx(0.5, abs=1e-6)


def test_undo_and_redo_bring_keys_back(wired, key, curves):
    key(1, joy=0.2)
    bpy.ops.ed.undo_push(message="one key")
    wired.scene.frame_set(11)
    OPS.emotion_key_add()
    bpy.ops.ed.undo_push(message="two keys")
    try:
        bpy.ops.ed.undo()
    except RuntimeError:
        pytest.skip("this Blender has no undo in background")
    np.testing.assert_array_equal(curves.key_times(bpy.context.scene, 0), [1])
    bpy.ops.ed.redo()
    np.testing.assert_array_equal(curves.key_times(bpy.context.scene, 0), [1, 11])
