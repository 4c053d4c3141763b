# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole session of an animator in a real window, from an empty scene to a saved and opened file.

Add a head, choose a track, scrub, set a range by key, key two emotions, move a slider, bake, undo,
redo, play, speak live, add a second character, save, load: still the same.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

import driver
import strip_mouse
from strip_mouse import Here

Array = np.ndarray[Any, Any]


def script() -> driver.Steps:
    here = Here(driver.install())
    yield
    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    yield from driver.open_sidebar("Facewright")
    yield from _add_head_and_track(here)
    yield from _scrub_and_range(here)
    yield from _key_two_emotions(here)
    yield from _move_a_slider()
    yield from _bake(here)
    yield from _undo_and_redo(here)
    yield from _play()
    yield from _speak_live(here)
    yield from _second_character(here)
    yield from _save_and_load(here)


def _chosen() -> Any:
    return bpy.context.scene.facewright


def _call(name: str, **options: Any) -> None:
    with bpy.context.temp_override(**driver.viewport()):
        getattr(bpy.ops.facewright, name)("INVOKE_DEFAULT", **options)


def _face(index: int = 0) -> Any:
    return _chosen().characters[index].skin


def _values(index: int = 0) -> Array:
    return np.array([key.value for key in _face(index).data.shape_keys.key_blocks])


def _action(index: int = 0) -> Any:
    data = _face(index).data.shape_keys.animation_data
    return data.action if data else None


def _add_head_and_track(here: Here) -> driver.Steps:
    _call("add_pipeline", character="HEAD")
    view = driver.area("VIEW_3D").spaces.active
    near = "the view to come near"
    yield from driver.wait_for(near, lambda: view.region_3d.view_distance < 1.0, 10)
    yield
    with bpy.context.temp_override(**driver.viewport()):
        bpy.ops.view3d.view_axis(type="FRONT")
    view.shading.color_type = "VERTEX"
    here.player.track_root = str(Path(driver.VOICE).parent)
    here.player.track = Path(driver.VOICE).name
    yield from driver.wait_for("the waveform", lambda: bool(here.view) and here.view.ready, 60)
    bpy.ops.ed.undo_push(message="track chosen")
    yield


def _scrub_and_range(here: Here) -> driver.Steps:
    yield from strip_mouse.drag(here.at(1.0), here.at(2.5))
    assert abs(bpy.context.scene.frame_current - here.frame_of(2.5)) <= 1, "the drag did not scrub"
    for key, at in (("LEFT_BRACKET", 0.5), ("RIGHT_BRACKET", 4.0)):
        yield from strip_mouse.drag(here.at(at), here.at(at))
        yield from strip_mouse.key(key, *here.at(at))
    player = here.player
    assert abs(player.range_start - 0.5) < 0.1 and abs(player.range_end - 4.0) < 0.1, (
        player.range_start,
        player.range_end,
    )


def _key_two_emotions(here: Here) -> driver.Steps:
    scene, emotion = bpy.context.scene, _chosen().pipeline.emotion
    for seconds, name in ((1.0, "joy"), (3.0, "anger")):
        scene.frame_set(here.frame_of(seconds))
        emotion.chosen = name
        _call("emotion_solo")
        _call("emotion_key_add")
        yield
    scene.frame_set(here.frame_of(1.0))
    assert (emotion.joy, emotion.anger) == (1.0, 0.0)
    scene.frame_set(here.frame_of(3.0))
    assert (emotion.joy, emotion.anger) == (0.0, 1.0)
    yield
    driver.shot("session_1_emotions")


def _move_a_slider() -> driver.Steps:
    yield
    yield
    before = _values()
    _chosen().pipeline.skin_strength = 1.9
    changed = "the face to follow the slider"
    yield from driver.wait_for(changed, lambda: not np.allclose(before, _values(), atol=1e-3), 30)
    assert _action() is None, "a moved slider has keyed something"
    bpy.ops.ed.undo_push(message="slider")  # what scripts do is no step of its own
    yield
    driver.shot("session_2_slider")


def _bake(here: Here) -> driver.Steps:
    _call("animate")
    state = here.module("properties.progress").STATE
    yield from driver.wait_for("the bake", lambda: not state.running, 120)
    assert not state.failed, state.outcome
    assert _action() is not None
    yield
    driver.shot("session_3_baked")


def _undo_and_redo(here: Here) -> driver.Steps:
    bpy.context.scene.frame_set(here.frame_of(2.0))
    baked = _values()
    yield from driver.press("Z", ctrl=True)
    yield from driver.wait_for("undo", lambda: _action() is None, 20)
    assert len(_chosen().pipelines) == 1 and _chosen().pipeline.skin_strength > 1.8
    yield from driver.press("Z", ctrl=True, shift=True)
    yield from driver.wait_for("redo", lambda: _action() is not None, 20)
    bpy.context.scene.frame_set(here.frame_of(2.0))
    np.testing.assert_allclose(_values(), baked, atol=1e-6)
    yield


def _play() -> driver.Steps:
    _call("play")
    for _ in range(6):
        yield
    screen = driver.window().screen
    assert screen.is_animation_playing, "play does not play"
    _call("play")
    yield
    assert not screen.is_animation_playing, "play does not pause"


def _speak_live(here: Here) -> driver.Steps:
    """The head follows a microphone, which speaks a file, and shows its take again afterwards."""
    recorder = here.module("operators.listening").RECORDER
    before, seen = _values(), []
    _call("live")
    for _ in driver.wait_for("the face to follow", lambda: len(seen) > 12, 60):
        if not np.allclose(_values(), seen[-1] if seen else before, atol=1e-4):
            seen.append(_values())
            if len(seen) == 8:
                driver.shot("session_4_live")
        yield
    assert np.ptp(seen, axis=0).max() > 0.1, "the face hardly moves"
    _call("live")
    yield from driver.wait_for("the end of live", lambda: recorder.running is None)
    np.testing.assert_allclose(_values(), before, atol=1e-6)
    if recorder.heard is not None:
        _call("recorder_discard")
    yield


def _second_character(here: Here) -> driver.Steps:
    _call("add_pipeline", character="HEAD")
    yield
    chosen = _chosen()
    assert [len(chosen.characters_of(one)) for one in chosen.pipelines] == [1, 1]
    state = here.module("properties.progress").STATE
    _call("animate")
    yield from driver.wait_for("the second bake", lambda: not state.running, 120)
    assert not state.failed, state.outcome
    with bpy.context.temp_override(**driver.viewport()):
        bpy.ops.view3d.view_all()
    yield
    yield
    bpy.context.scene.frame_set(here.frame_of(2.0))
    assert not np.allclose(_values(0), _values(1), atol=1e-2), "both heads say the same"
    yield
    driver.shot("session_5_two_heads")


def _save_and_load(here: Here) -> driver.Steps:
    scene = bpy.context.scene
    scene.frame_set(here.frame_of(2.0))
    before, kept = (_values(0), _values(1)), _remembered()
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "session.blend")
        bpy.ops.wm.save_as_mainfile(filepath=path)
        yield
        bpy.ops.wm.open_mainfile(filepath=path)
        yield
        yield
    scene = bpy.context.scene
    assert _remembered() == kept
    scene.frame_set(scene.frame_current + 1)
    scene.frame_set(scene.frame_current - 1)
    for index in (0, 1):
        np.testing.assert_allclose(_values(index), before[index], atol=1e-6)
    yield
    driver.shot("session_6_loaded")


def _remembered() -> Any:
    """What the scene holds of us, as plain values."""
    chosen, pipeline = _chosen(), _chosen().pipelines[0]
    return (
        [(one.id, one.name, one.player_id) for one in chosen.pipelines],
        [(one.id, one.voice_path, round(one.range_end, 4)) for one in chosen.players],
        [(one.id, one.name, one.pipeline_id, one.skin.name) for one in chosen.characters],
        round(pipeline.skin_strength, 4),
        [action.name for action in bpy.data.actions],
    )


driver.run(script, limit_s=230.0)
