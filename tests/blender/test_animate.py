# SPDX-License-Identifier: GPL-3.0-or-later
"""From a voice to a moving face through the installed worker, and all that may come between."""

from __future__ import annotations

import os
import signal
import time
from fractions import Fraction
from pathlib import Path

import bpy
import numpy as np
import pytest
import stubs
from makers import curves_of, shaped_mesh


@pytest.fixture
def animate(code, stub):
    """``animate_object`` with the stub model."""
    function = code("operators.animate").animate_object

    def run(obj, voice, **options):
        return function(bpy.context, obj, voice, **{"model": str(stub.folder), **options})

    return run


@pytest.fixture
def user_error(code):
    return code("core.errors").UserError


def jaw_of(obj) -> np.ndarray:
    curve = curves_of(obj.data.shape_keys)['key_blocks["JawOpen"].value', 0]
    return np.array([point.co[1] for point in curve.keyframe_points])


@pytest.mark.parametrize(("fps", "base"), [(24, 1.0), (24, 1.001), (60, 1.001)])
def test_a_voice_moves_the_face_at_the_scenes_rate(
    scene, animate, own_face, voice, stub, fps, base
):
    scene.render.fps, scene.render.fps_base = fps, base
    result = animate(own_face, voice)
    rate = fps / base
    assert result.face.frame_count == pytest.approx(1.5 * rate, abs=1)
    assert float(result.face.fps) == pytest.approx(rate, rel=1e-6)
    jaw = jaw_of(own_face)
    assert np.ptp(jaw) > 0.05
    column = result.face.names.index("jawOpen")
    np.testing.assert_allclose(jaw, np.clip(result.face.weights[:, column], 0, 1), atol=1e-6)
    assert scene.frame_end >= result.written.last_frame


def test_the_same_voice_gives_the_same_keys(animate, own_face, voice):
    first = animate(own_face, voice)
    second = animate(own_face, voice)
    np.testing.assert_array_equal(first.face.weights, second.face.weights)
    assert first.take_id != second.take_id
    assert len(bpy.data.actions) == 1


def test_the_take_is_kept_beside_the_blend(code, tmp_path, animate, voice, own_face):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"), check_existing=False)
    result = animate(bpy.data.objects["Face"], voice)
    path = tmp_path / "facewright_takes" / f"{result.take_id}.npz"
    take = code("core.take_file").read_take(path)
    np.testing.assert_array_equal(take.face.weights, result.face.weights)
    action = bpy.data.objects["Face"].data.shape_keys.animation_data.action
    assert action["facewright_take"] == result.take_id


def test_settings_change_the_result(animate, own_face, voice):
    plain = animate(own_face, voice).face.weights
    louder = animate(own_face, voice, settings={"input_strength": 2.0}).face.weights
    assert louder.max() > plain.max() * 1.2


def test_a_parameter_after_the_network_does_not_run_it_again(
    code, animate, own_face, voice, monkeypatch
):
    job = code("operators.animation_job")
    tickets, read = [], job.face_track

    def seen(ticket):
        tickets.append(ticket)
        return read(ticket)

    monkeypatch.setattr(job, "face_track", seen)
    faces = [
        animate(own_face, voice, settings={"skin_strength": strength}).face.weights
        for strength in (1.0, 0.5, 1.0)
    ]
    ran = [ticket.result["timings"]["network"] > 0 for ticket in tickets]
    assert ran == [True, False, False]
    assert np.abs(faces[0] - faces[1]).max() > 0.01
    np.testing.assert_array_equal(faces[0], faces[2])


def test_numbers_of_numpy_are_numbers(animate, own_face, voice):
    plain = animate(own_face, voice, settings={"skin_strength": 0.5, "blink_seed": 3})
    numpy = {"skin_strength": np.float32(0.5), "blink_seed": np.int64(3)}
    same = animate(own_face, voice, settings=numpy)
    np.testing.assert_array_equal(same.face.weights, plain.face.weights)


def test_a_packed_sound_equals_its_file(animate, own_face, voice):
    from_file = animate(own_face, voice).face.weights
    sound = bpy.data.sounds.load(voice)
    sound.pack()
    np.testing.assert_array_equal(animate(own_face, sound).face.weights, from_file)


@pytest.mark.skipif(not bpy.app.build_options.audaspace, reason="this bpy has no sound")
def test_a_strips_part_equals_the_cut_file(code, scene, animate, own_face, tmp_path):
    samples = stubs.speech_like(3.0)
    whole = str(stubs.write_wav(tmp_path / "whole.wav", samples))
    part = str(stubs.write_wav(tmp_path / "part.wav", samples[16000:]))
    editor = scene.sequence_editor_create()
    listed = editor.strips if hasattr(editor, "strips") else editor.sequences
    strip = listed.new_sound(name="Voice", filepath=whole, channel=1, frame_start=1)
    if hasattr(strip, "left_handle"):
        strip.left_handle = 31
    else:
        strip.frame_offset_start = 30
    source = code("scene.sounds").VoiceSource("STRIP", "Voice")
    from_strip = animate(own_face, source)
    assert from_strip.written.first_frame == 31
    assert len(listed) == 1
    from_file = animate(own_face, part, start_frame=31, place_sound=False)
    np.testing.assert_allclose(from_strip.face.weights, from_file.face.weights, atol=2e-3)


def test_keys_at_another_rate_keep_their_time(animate, own_face, voice):
    result = animate(own_face, voice, fps="59.94")
    assert result.face.fps == Fraction(60000, 1001)
    assert result.written.last_frame == pytest.approx(1 + 1.5 * 30, abs=1)


@pytest.mark.parametrize("fps", [0, -5, "fast", float("nan"), float("inf"), 100_000, "24/0"])
def test_a_wrong_rate_is_refused(animate, own_face, voice, user_error, fps, scene_state):
    before = scene_state()
    with pytest.raises(user_error, match="frame rate"):
        animate(own_face, voice, fps=fps)
    assert scene_state() == before


def test_a_missing_model_folder_is_named(animate, own_face, voice, user_error, tmp_path):
    with pytest.raises(user_error, match="does not exist"):
        animate(own_face, voice, model=str(tmp_path / "none"))
    with pytest.raises(user_error, match=r"holds no model\.json"):
        animate(own_face, voice, model=str(tmp_path))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"nonsense": 1.0}, "nonsense"),
        ({"skin_strength": 99.0}, "Skin Strength"),
        ({"blink_interval": float("nan")}, "Blink Interval"),
    ],
)
def test_wrong_settings_are_refused_by_name(animate, own_face, voice, user_error, settings, words):
    with pytest.raises(user_error, match=words):
        animate(own_face, voice, settings=settings)


def test_what_is_no_sound_leaves_the_scene_as_it_was(
    animate, own_face, user_error, tmp_path, scene_state
):
    path = tmp_path / "song.wav"
    path.write_bytes(b"no sound at all")
    before = scene_state()
    with pytest.raises(user_error, match=r"song\.wav"):
        animate(own_face, str(path))
    assert scene_state() == before


@pytest.fixture
def steps(code, stub, scene):
    """The job's steps, to be taken one by one as a window does."""
    job = code("operators.animation_job")
    source, parts = code("scene.sounds").VoiceSource, code("scene.parts")

    def start(obj, voice):
        request = job.make_request(
            scene, [parts.parts_of(obj)], source("FILE", voice), model=str(stub.folder)
        )
        return job.animation_steps(request)

    return start


def finish(running) -> None:
    for _ in running:
        time.sleep(0.01)


@pytest.fixture
def long_voice(tmp_path):
    return str(stubs.write_wav(tmp_path / "long.wav", stubs.speech_like(120.0)))


def test_a_cancelled_job_leaves_the_scene_as_it_was(
    code, steps, own_face, long_voice, scene_state, animate, voice
):
    before = scene_state()
    running = steps(own_face, long_voice)
    while next(running).fraction < 0.02:
        time.sleep(0.01)
    running.close()
    assert scene_state() == before
    assert not list(code("scene.places").user_folder("takes").glob("*.npz.part"))
    assert animate(own_face, voice).face.frame_count  # and the worker goes on


def test_a_face_that_vanishes_ends_the_job_cleanly(code, steps, own_face, long_voice):
    running = steps(own_face, long_voice)
    next(running)
    bpy.data.objects.remove(own_face)
    with pytest.raises(code("core.errors").Cancelled, match="'Face' no longer exists"):
        finish(running)
    assert not bpy.data.actions


def test_a_face_that_is_renamed_is_still_found(steps, own_face, voice):
    running = steps(own_face, voice)
    next(running)
    own_face.name = "Somebody"
    finish(running)
    assert curves_of(own_face.data.shape_keys)


def test_another_file_ends_the_job_cleanly(code, steps, own_face, long_voice):
    running = steps(own_face, long_voice)
    next(running)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    with pytest.raises(code("core.errors").Cancelled):
        finish(running)


def test_no_step_holds_blender_up(steps, own_face, voice, animate, report):
    animate(own_face, voice)  # the worker is there, as it is from the second time on
    longest = 0.0
    running = steps(own_face, voice)
    while True:
        began = time.perf_counter()
        try:
            next(running)
        except StopIteration:
            break
        finally:
            longest = max(longest, time.perf_counter() - began)
        time.sleep(0.01)
    report(f"longest step of a job: {longest * 1000:.0f} ms")
    assert longest < 0.3  # the machine that runs tests is shared


def kill_worker(code) -> None:
    host = code("operators.worker_host").worker()
    os.kill(host.pid, signal.SIGTERM if os.name == "nt" else signal.SIGKILL)


def test_a_worker_that_dies_once_is_replaced_and_the_face_is_animated(
    code, steps, own_face, long_voice
):
    running = steps(own_face, long_voice)
    while next(running).text.startswith("Starting"):
        time.sleep(0.005)
    kill_worker(code)
    try:
        while True:
            next(running)
            time.sleep(0.01)
    except StopIteration as end:
        result = end.value
    assert any("ended unexpectedly and was started again" in text for text in result.notices)
    assert curves_of(own_face.data.shape_keys)


def kill_again_and_again(code, running) -> None:
    while True:
        while next(running).text.startswith("Starting"):  # "... the worker again" after a death
            time.sleep(0.005)
        kill_worker(code)
        while not next(running).text.startswith("Starting"):
            time.sleep(0.005)


def test_a_worker_that_dies_again_is_a_fault_and_the_scene_is_as_it_was(
    code, steps, own_face, long_voice, scene_state, animate, voice
):
    before = scene_state()
    running = steps(own_face, long_voice)
    with pytest.raises(code("operators.faults").WorkerFault, match="ended twice") as caught:
        kill_again_and_again(code, running)
    assert scene_state() == before
    sentence = code("operators.faults").report_fault(caught.value)
    assert sentence.startswith("The worker ended twice during this job")
    path = Path(sentence.split("The report is ")[1])
    assert "WorkerFault" in path.read_text(encoding="utf-8")
    assert animate(own_face, voice).face.frame_count  # and the next run works


def test_disabling_ends_the_worker(code, animate, own_face, voice):
    animate(own_face, voice)
    host = code("operators.worker_host")
    pid = host.worker().pid
    host.unregister()
    with pytest.raises(OSError):
        os.kill(pid, 0)
    animate(own_face, voice)  # and the next job starts another


# ---- the buttons


def test_the_button_does_the_same_in_background(wired, own_face, voice, stub):
    wired.player.voice_path, wired.character.skin = voice, own_face
    wired.pipeline.model = str(stub.folder)
    wired.player.start_frame = 20
    assert bpy.ops.facewright.animate() == {"FINISHED"}
    points = next(iter(curves_of(own_face.data.shape_keys).values())).keyframe_points
    assert points[0].co[0] == 20


def test_grey_buttons_say_why(code, wired, own_face, voice):
    operator = code("operators.animate").FACEWRIGHT_OT_animate
    chosen = wired.player
    assert operator.disabled_reason(bpy.context) == "Choose a voice first"
    chosen.voice_source = "SOUND"
    assert operator.disabled_reason(bpy.context) == "Choose a sound first"
    chosen.voice_source = "STRIP"
    assert operator.disabled_reason(bpy.context) == "Choose a strip first"
    chosen.voice_source = "SAMPLE"
    assert "No face is chosen" in operator.disabled_reason(bpy.context)
    wired.character.skin = shaped_mesh("Bare", [])
    assert "'Bare' has no shape keys" in operator.disabled_reason(bpy.context)
    wired.character.skin = own_face
    assert operator.disabled_reason(bpy.context) == ""
    code("properties.progress").STATE.begin()
    try:
        assert operator.disabled_reason(bpy.context) == "A face is being animated already"
        assert not operator.poll(bpy.context)
    finally:
        code("properties.progress").STATE.clear()
    cancel = code("operators.animate").FACEWRIGHT_OT_cancel
    assert cancel.disabled_reason(bpy.context) == "Nothing is being animated"


def test_untouched_parameters_are_left_to_the_model(wired):
    chosen = wired.pipeline
    assert chosen.changed_settings() == {}
    chosen.skin_strength = 1.5
    assert chosen.changed_settings() == {"skin_strength": 1.5}
    assert bpy.ops.facewright.reset() == {"FINISHED"}
    assert chosen.changed_settings() == {}


def test_properties_cannot_leave_their_range(wired):
    chosen, player = wired.pipeline, wired.player
    chosen.skin_strength, player.channel, chosen.blink_interval = 99.0, -4, -1.0
    assert (chosen.skin_strength, player.channel, chosen.blink_interval) == (2.0, 0, 0.0)


def test_the_panel_reads_ten_heads_quickly(code, report):
    """What a redraw asks of the code beside Blender's own drawing."""
    status = code("operators.animate").face_status
    for _ in range(10):
        bpy.ops.facewright.add_head()
    heads = [obj for obj in bpy.data.objects if obj.get("facewright_part") == "skin"]
    spent = []
    for head in heads:
        began = time.perf_counter()
        assert not status(head).problem
        spent.append(time.perf_counter() - began)
    report(f"status of a face for one redraw: {min(spent) * 1000:.2f} ms")
    assert min(spent) < 0.002
