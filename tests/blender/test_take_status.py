# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes and the pipelines that make them: made again, up to date or not, all at once, and shown."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace

import bpy
import numpy as np
import pytest
import stubs
from layouts import Layout
from makers import curves_of, shaped_mesh


def listed(code, chosen) -> list[str]:
    """What the list of takes shows."""
    ui = code("panels.takes").FACEWRIGHT_UL_takes
    stand_in = SimpleNamespace(filter_name="", bitflag_filter_item=1)
    flags, _order = ui.filter_items(stand_in, bpy.context, bpy.data, "actions")
    return [a.name for a, flag in zip(bpy.data.actions, flags, strict=True) if flag]


# ---- made again


@pytest.fixture
def ready(wired, own_face, voice, stub):
    """A pipeline that can be animated."""
    wired.player.voice_path, wired.character.skin = voice, own_face
    wired.pipeline.model = str(stub.folder)
    return wired


def test_a_take_can_be_made_again(code, ready, own_face, voice, tmp_path):
    pipeline, player = ready.pipeline, ready.player
    pipeline.skin_strength, pipeline.blink_seed = 0.75, 3
    player.range_start, player.range_end, player.start_frame = 0.25, 1.25, 7
    assert bpy.ops.facewright.animate() == {"FINISHED"}
    label = code("core.take_label").label_of(own_face.data.shape_keys.animation_data.action)
    assert label.settings["skin_strength"] == pytest.approx(0.75)
    assert (label.pipeline, label.player, label.settings["blink_seed"]) == ("Core", "Player", 3)
    assert len(label.model_sha256) == 64
    assert label.version
    curves = {path: _values(c) for path, c in curves_of(own_face.data.shape_keys).items()}
    pipeline.reset_settings()
    pipeline.emotion.joy, player.range_start, player.start_frame = 1.0, 0.0, 1
    player.voice_path = str(stubs.write_wav(tmp_path / "other.wav", stubs.speech_like(2.0, seed=9)))
    pipeline.model = ""
    name = own_face.data.shape_keys.animation_data.action.name
    assert bpy.ops.facewright.take_restore(take=name) == {"FINISHED"}
    assert (player.voice_path, player.start_frame) == (voice, 7)
    assert bpy.ops.facewright.animate() == {"FINISHED"}
    again = {path: _values(c) for path, c in curves_of(own_face.data.shape_keys).items()}
    assert again.keys() == curves.keys()
    for path, values in curves.items():
        np.testing.assert_array_equal(again[path], values)


def _values(curve) -> np.ndarray:
    return np.array([point.co[:] for point in curve.keyframe_points])


def test_the_status_follows_what_would_be_made(code, ready, own_face, voice, scene):
    status = code("operators.take_status").status_of
    default_of = code("properties.parameters").default_of
    pipeline, player = ready.pipeline, ready.player
    assert status(scene, pipeline) == "Not baked"
    assert bpy.ops.facewright.animate() == {"FINISHED"}
    code("operators.take_status").changed()  # a depsgraph update says so in a window
    assert status(scene, pipeline) == "Up to date"
    for change, back in (
        (lambda: setattr(pipeline, "skin_strength", 0.5), lambda: pipeline.reset_settings()),
        (
            lambda: setattr(pipeline, "blink_interval", 9.0),
            lambda: setattr(pipeline, "blink_interval", default_of(pipeline, "blink_interval")),
        ),
        (lambda: setattr(player, "start_frame", 9), lambda: setattr(player, "start_frame", 1)),
        (lambda: setattr(player, "range_end", 1.0), lambda: setattr(player, "range_end", -1.0)),
        (
            lambda: setattr(pipeline.emotion, "joy", 0.5),
            lambda: setattr(pipeline.emotion, "joy", 0.0),
        ),
        (lambda: setattr(player, "channel", 1), lambda: setattr(player, "channel", 0)),
    ):
        change()
        assert status(scene, pipeline) == "Outdated"
        back()
        assert status(scene, pipeline) == "Up to date"
    pipeline.skin_strength = 0.5
    own_face.name = "Renamed"  # names make no other motion
    pipeline.reset_settings()
    assert status(scene, pipeline) == "Up to date"
    stubs.write_wav(Path(voice), stubs.speech_like(1.7))
    try:
        code("operators.take_status").changed()
        assert status(scene, pipeline) == "Outdated"
    finally:
        stubs.write_wav(Path(voice), stubs.speech_like(1.5))


def test_an_edited_emotion_curve_makes_a_take_outdated(code, ready, scene):
    module, pipeline = code("operators.take_status"), ready.pipeline
    for frame, value in ((1, 0.0), (40, 1.0)):
        pipeline.emotion.joy = value
        pipeline.emotion.keyframe_insert("joy", frame=frame)
    assert bpy.ops.facewright.animate() == {"FINISHED"}
    for frame in (1, 20, 40):  # the slider follows the curve, the take does not
        scene.frame_set(frame)
        module.changed()
        assert module.status_of(scene, pipeline) == "Up to date"
    (curve,) = curves_of(scene).values()
    curve.keyframe_points[1].co.y = 0.5
    curve.update()
    module.changed()
    assert module.status_of(scene, pipeline) == "Outdated"


def test_looking_again_never_holds_the_window_up(code, ready, scene, report):
    """The timer looks at one pipeline at a time, here at one with curves of five minutes."""
    module, pipeline = code("operators.take_status"), ready.pipeline
    scene.render.fps, scene.frame_end = 60, 18_000
    for frame, value in ((1, 0.0), (9_000, 1.0), (18_000, 0.0)):
        pipeline.emotion.joy = value
        pipeline.emotion.keyframe_insert("joy", frame=frame)  # not straight: read at each frame
    assert bpy.ops.facewright.animate() == {"FINISHED"}
    spent = []
    for _ in range(5):
        module.changed()
        began = time.perf_counter()
        module.status_of(scene, pipeline)
        spent.append(time.perf_counter() - began)
    report(f"look at a pipeline with curves of 18,000 frames: {min(spent) * 1000:.1f} ms")
    assert min(spent) < 0.3  # the machine that runs tests is shared


def test_drawing_ten_states_costs_next_to_nothing(code, scene, report):
    status, chosen = code("operators.take_status").status_of, scene.facewright
    for number in range(10):
        player = chosen.add_player()
        player.voice_source = "SAMPLE"
        mesh = shaped_mesh(f"Face {number}", ["jawOpen", "mouthPucker"])
        chosen.add_character("Face", chosen.add_pipeline("Core", player), mesh)
    spent = []
    for _ in range(20):
        began = time.perf_counter()
        for pipeline in chosen.pipelines:
            status(scene, pipeline)
        spent.append(time.perf_counter() - began)
    report(f"state of ten pipelines for one redraw: {min(spent) * 1000:.3f} ms (aim: below 0.2 ms)")
    assert min(spent) < 0.002


# ---- all, renders, panels


def test_all_that_is_heard_is_animated(code, ready, own_face, voice, scene):
    chosen = scene.facewright
    second = chosen.add_player("Second")
    second.voice_path = voice
    other = shaped_mesh("Other", ["jawOpen", "mouthPucker"])
    core = chosen.add_pipeline("Second", second)
    core.model, core.skin_strength = chosen.pipelines[0].model, 0.5
    chosen.add_character("Other", core, other)
    chosen.add_pipeline("Empty")
    assert bpy.ops.facewright.animate_all() == {"FINISHED"}
    assert curves_of(own_face.data.shape_keys)
    assert curves_of(other.data.shape_keys)
    assert any("Empty: " in text for text in code("properties.progress").STATE.notices)
    for action in list(bpy.data.actions):
        bpy.data.actions.remove(action)
    chosen.pipelines["Second"].solo = True
    assert bpy.ops.facewright.animate_all() == {"FINISHED"}
    assert not curves_of(own_face.data.shape_keys)
    assert curves_of(other.data.shape_keys)
    code("properties.progress").STATE.clear()


def test_stopping_all_keeps_what_was_finished_and_nothing_else(
    code, ready, own_face, voice, scene, scene_state
):
    chosen = scene.facewright
    other = shaped_mesh("Other", ["jawOpen", "mouthPucker"])
    core = chosen.add_pipeline("Second", chosen.players[0])
    core.model = chosen.pipelines[0].model
    chosen.add_character("Other", core, other)
    module = code("operators.animate_all")
    outcome = module.Outcome()
    steps = module.all_steps(scene, outcome)
    for now in steps:
        if now.fraction > 0.5:
            break
        time.sleep(0.005)
    after_first = scene_state()
    steps.close()
    assert scene_state() == after_first
    assert [name for name, _result in outcome.results] == ["Core"]
    assert curves_of(own_face.data.shape_keys)
    assert not curves_of(other.data.shape_keys)


def test_nothing_is_written_while_blender_renders(
    code, ready, own_face, scene, monkeypatch, scene_state
):
    chosen, rendering = code("operators.chosen"), [False]
    monkeypatch.setattr(code("operators.rendering"), "rendering", lambda: rendering[0])
    steps = code("operators.animation_job").animation_steps(
        chosen.request_of(scene, ready.pipeline)
    )
    before = scene_state()
    rendering[0] = True
    end = time.monotonic() + 60
    while next(steps).text != "Waiting for the render":
        time.sleep(0.01)
        assert time.monotonic() < end
    for _ in range(20):
        next(steps)
    assert scene_state() == before
    rendering[0] = False
    for _ in steps:
        pass
    assert curves_of(own_face.data.shape_keys)


def test_the_panel_shows_takes_and_their_state(code, ready, own_face, scene):
    panels, texts = code("panels.takes"), []
    ready.pipeline.takes.bake = "NEW"
    bpy.ops.facewright.animate()
    code("operators.take_status").changed()
    place = bpy.data.actions.find(listed(code, scene.facewright)[0])
    ready.pipeline.takes.index = place
    assert code("properties.take").chosen_take(ready.pipeline.takes) == bpy.data.actions[place]
    context = SimpleNamespace(scene=scene, region=SimpleNamespace(width=400))
    panels.FACEWRIGHT_PT_takes.draw(SimpleNamespace(layout=Layout(texts)), context)
    assert "Up to date" in texts
    assert any(text.startswith("Voice: ") for text in texts)
    assert bpy.ops.facewright.take_remove() == {"FINISHED"}
    assert listed(code, scene.facewright) == []
