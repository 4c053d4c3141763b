# SPDX-License-Identifier: GPL-3.0-or-later
"""The programming side, row by row: live sessions of raw samples."""

from __future__ import annotations

import threading
import time
from typing import Any

import bpy
import numpy as np
import pytest
from makers import curves_of, spoken
from stub_diffusion import make_stub_diffusion
from stub_emotion import make_stub_emotion

RATE = 16000
pytestmark = pytest.mark.usefixtures("stub_is_default")


@pytest.fixture
def stopped(api):
    """A clock that stands still until somebody sets it."""

    class Now:
        seconds = 0.0

    def sleep(_seconds):
        time.sleep(0.001)

    return api.Clock(lambda: Now.seconds, sleep), Now


def weights(blocks):
    return np.concatenate([block.track.weights for block in blocks])


@pytest.fixture
def offline(api, own_face):
    """The frames of the same samples animated at once."""

    def run(samples):
        job = api.animate(own_face, api.Samples(samples, RATE), place_sound=False)
        assert job.wait(60), job.error
        return job.result.face.weights

    return run


def test_raw_samples(api, burst, offline):
    """float32 or int16, channel count, rate, end flag; several sends make one session; the end flag
    or end() flushes, the next send starts a new session; success is returned."""
    samples = spoken(1.5)
    expected = offline(samples)
    session = api.Session(RATE, **burst)
    assert session.send(samples[:7000])
    assert session.send(samples[7000:15000])
    assert session.send(samples[15000:], end=True)
    assert session.wait(60), session.error
    blocks = session.frames()
    assert {block.session for block in blocks} == {1}
    assert [block.last for block in blocks] == [False] * (len(blocks) - 1) + [True]
    np.testing.assert_allclose(weights(blocks), expected, atol=1e-5)
    assert session.frames() == []
    assert session.send(samples)  # a new session by itself
    assert session.end() and session.wait(60)
    again = session.frames()
    assert {block.session for block in again} == {2}
    assert again[0].first_frame == 0
    np.testing.assert_allclose(weights(again), expected, atol=1e-5)
    assert [result.ok for result in session.results] == [True, True]
    assert session.results[0].frame_count == len(expected)
    stereo = np.repeat((samples / np.float32(32768)).astype(np.float32)[:, None], 2, axis=1)
    other = api.Session(RATE, 2, **burst)
    assert other.send(stereo) and other.end() and other.wait(60)
    np.testing.assert_allclose(weights(other.frames()), expected, atol=1e-4)
    mixed = api.Session(RATE, **burst)
    assert mixed.send(samples[:9000]) and mixed.send(samples[9000:].astype(np.float32) / 32768)
    assert mixed.end() and mixed.wait(60)
    np.testing.assert_allclose(weights(mixed.frames()), expected, atol=1e-5)
    assert session.end()  # nothing is open: nothing to do
    with pytest.raises(api.UserError, match="float32 or int16"):
        session.send(np.zeros(10))
    with pytest.raises(api.UserError, match="rate is 3000"):
        api.Session(3000)
    with pytest.raises(api.UserError, match="channels is 0"):
        api.Session(RATE, 0)


def test_raw_samples_may_come_from_any_thread(api, burst, offline):
    """The caller's thread blocks until they are accepted; Blender's main thread goes on."""
    samples = spoken(1.5)
    session = api.Session(RATE, **burst)
    answers = []

    def send():
        answers.extend(session.send(samples[at : at + 4000]) for at in range(0, 24000, 4000))
        answers.append(session.end())

    thread = threading.Thread(target=send)
    thread.start()
    while thread.is_alive():
        api.pump()
        time.sleep(0.002)
    thread.join()
    assert answers == [True] * 7
    assert session.wait(60)
    np.testing.assert_allclose(weights(session.frames()), offline(samples), atol=1e-5)


def test_other_threads_are_kept_from_blender(api, own_face, voice):
    said = []

    def use():
        for call in (
            lambda: api.animate(own_face, voice),
            lambda: api.Session(RATE),
            lambda: api.allocate(),
            lambda: api.free(),
        ):
            try:
                call()
            except api.UserError as error:
                said.append(str(error))

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert len(said) == 4 and all("main thread" in text for text in said)


@pytest.mark.parametrize("family", ["diffusion", "emotion"])
def test_live_frames_equal_those_of_the_whole_voice(api, code, burst, own_face, tmp_path, family):
    """Whatever the model, and with emotion that is read from the voice."""
    options: dict[str, Any] = {"accept_licence": True}
    if family == "diffusion":
        folder = make_stub_diffusion(tmp_path / "three").folder
        code("properties.library").preferences().model = str(folder)
    else:
        options["emotion_model"] = str(make_stub_emotion(tmp_path / "hearing").folder)
    samples = spoken(3.0)
    job = api.animate(own_face, api.Samples(samples, RATE), place_sound=False, **options)
    assert job.wait(60), job.error
    session = api.Session(RATE, **burst, **options)
    assert all(session.send(samples[at : at + 5000]) for at in range(0, len(samples), 5000))
    assert session.end() and session.wait(60), session.error
    live, whole = weights(session.frames()), job.result.face.weights
    assert live.shape == whole.shape
    np.testing.assert_allclose(live, whole, atol=2e-4)


def test_frames_can_be_read_while_the_voice_goes_on(api, burst):
    session = api.Session(RATE, **burst)
    assert session.send(spoken(2.0))
    blocks = []
    end = time.monotonic() + 60
    while not blocks and time.monotonic() < end:
        api.pump()
        blocks += session.frames()
    assert blocks and not blocks[-1].last
    assert session.end() and session.wait(60)
    blocks += session.frames()
    assert [block.first_frame for block in blocks] == list(
        np.cumsum([0, *(block.track.frame_count for block in blocks[:-1])])
    )


def test_a_sessions_frames_become_keyframes(api, burst, own_face, scene, offline):
    samples = spoken(1.5)
    expected = offline(samples)
    session = api.Session(RATE, face=own_face, start_frame=21, **burst)
    assert session.send(samples, end=True) and session.wait(60), session.error
    result = session.results[0]
    assert result.ok and result.take_id and result.device
    curve = curves_of(own_face.data.shape_keys)['key_blocks["JawOpen"].value', 0]
    assert curve.keyframe_points[0].co[0] == 21
    assert len(curve.keyframe_points) == len(expected)
    action = own_face.data.shape_keys.animation_data.action
    assert action["facewright_take"] == result.take_id


def test_sessions_on_one_face_are_written_one_after_another(
    api, code, burst, own_face, monkeypatch
):
    """The second is made while the first is still being written."""
    monkeypatch.setattr(code("scene.actions"), "KEYS_PER_STEP", 1)  # a step for every curve
    session = api.Session(RATE, face=own_face, start_frame=1, **burst)
    assert session.send(spoken(1.0), end=True)
    assert session.send(spoken(0.5), end=True)
    assert session.wait(60), session.error
    assert [(result.number, result.ok) for result in session.results] == [(1, True), (2, True)]
    action = own_face.data.shape_keys.animation_data.action
    assert action["facewright_take"] == session.results[1].take_id
    curve = curves_of(own_face.data.shape_keys)['key_blocks["JawOpen"].value', 0]
    assert len(curve.keyframe_points) == session.results[1].frame_count == 15


def test_a_session_without_sound_leaves_the_face_alone(api, burst, own_face, voice):
    job = api.animate(own_face, voice, place_sound=False)
    assert job.wait(60), job.error
    action = own_face.data.shape_keys.animation_data.action
    session = api.Session(RATE, face=own_face, **burst)
    assert session.send(np.zeros(0, np.float32))
    assert session.end()
    assert not session.wait(60)
    assert "held no sound" in session.results[-1].error
    assert own_face.data.shape_keys.animation_data.action == action
    assert bpy.data.actions[:] == [action]


def test_cancel(api, burst, own_face, scene_state, stopped):
    """No new data is made; what is buffered may still play; later sends have no effect until the
    session is ended."""
    clock, _now = stopped
    samples = spoken(3.0)
    before = scene_state()
    session = api.Session(RATE, face=own_face, clock=clock)  # in real time: half a second is made
    assert session.send(samples)
    first = []
    end = time.monotonic() + 60
    while not first and time.monotonic() < end:
        api.pump()
        first += session.frames()
    assert first
    session.cancel()
    assert session.send(samples) is False
    assert session.send(samples) is False
    assert not session.wait(60)
    assert session.frames() == []
    assert session.results[-1].cancelled and not session.results[-1].ok
    assert scene_state() == before
    assert session.send(samples, end=True) is False  # ends it, no more
    fresh = spoken(0.4)
    assert session.send(fresh, end=True) and session.wait(60)
    assert session.results[-1].ok and session.results[-1].number == 2
    assert session.frames()


def test_a_session_that_was_ended_can_still_be_cancelled(api, own_face, scene_state, stopped):
    clock, _now = stopped
    before = scene_state()
    session = api.Session(RATE, face=own_face, clock=clock)
    assert session.send(spoken(3.0), end=True)
    session.cancel()
    assert not session.wait(60)
    assert session.results[-1].cancelled
    assert scene_state() == before


def test_cancelling_while_keyframes_are_written_leaves_none(
    api, code, burst, own_face, scene_state, monkeypatch
):
    monkeypatch.setattr(code("scene.actions"), "KEYS_PER_STEP", 1)  # a step for every curve
    before = scene_state()
    session = api.Session(RATE, face=own_face, **burst)
    assert session.send(spoken(1.0), end=True)
    end = time.monotonic() + 60
    while not bpy.data.actions and time.monotonic() < end:
        api.pump()
    assert bpy.data.actions and session.busy
    session.cancel()
    assert not session.wait(60)
    assert session.results[-1].cancelled
    assert scene_state() == before


def test_waiting_inside_of_a_handler_is_refused(api, burst, own_face):
    """Blender calls handlers while keyframes are written."""
    other = api.Session(RATE, **burst)
    said = []

    def handler(*_args):
        try:
            other.send(spoken(0.1))
        except api.UserError as error:
            said.append(str(error))

    session = api.Session(RATE, face=own_face, **burst)
    session._line._baker.step = lambda *_args: handler()
    assert session.send(spoken(1.0), end=True)
    end = time.monotonic() + 60
    while not said and time.monotonic() < end:
        api.pump()
    session.close()
    assert "cannot be waited for" in said[0]


def test_closing_inside_of_a_handler_leaves_nothing(
    api, code, burst, own_face, scene_state, monkeypatch
):
    """Blender calls handlers while keyframes are written."""
    actions, before = code("scene.actions"), scene_state()
    write, closed = actions.write_curve, []

    def writing(*args, **options):
        if not closed:
            closed.append(session.close())
        return write(*args, **options)

    monkeypatch.setattr(actions, "write_curve", writing)
    monkeypatch.setattr(actions, "KEYS_PER_STEP", 1)  # a step for every curve
    session = api.Session(RATE, face=own_face, **burst)
    assert session.send(spoken(1.0), end=True)
    end = time.monotonic() + 60
    while not session.results and time.monotonic() < end:
        api.pump()
    assert closed and session.results[-1].cancelled
    assert scene_state() == before


def test_what_was_made_before_a_cancel_can_still_be_read(api, stopped):
    clock, _now = stopped
    session = api.Session(RATE, clock=clock)
    assert session.send(spoken(3.0))
    end = time.monotonic() + 60
    while session.fed_s < 0.5 and time.monotonic() < end:
        api.pump()
    for _ in range(100):
        api.pump()
        time.sleep(0.002)
    session.cancel()
    kept = session.frames()
    assert kept and not kept[-1].last


def test_burst(api, scene, stopped, own_face):
    """Default is real time; force burst, force real time; only live sessions are held back; the
    first half second is not; project setting and an override per call."""
    clock, now = stopped
    samples = spoken(3.0)

    def fed(session):
        """Seconds that were fed once nothing more moves."""
        for _ in range(30):
            api.pump()
            time.sleep(0.002)
        return session.fed_s

    assert scene.facewright.burst == "DEFAULT"
    held = api.Session(RATE, clock=clock)
    assert held.send(samples, end=True)
    assert fed(held) == pytest.approx(0.5)
    now.seconds += 1.0
    assert fed(held) == pytest.approx(1.5)
    now.seconds += 10.0
    assert held.wait(60)
    forced = api.Session(RATE, clock=clock, burst=api.Burst.FORCE_BURST)
    assert forced.send(samples, end=True) and forced.wait(60)
    scene.facewright.burst = "FORCE_BURST"
    project = api.Session(RATE, clock=clock)
    assert project.send(samples, end=True) and project.wait(60)
    held = api.Session(RATE, clock=clock, burst=api.Burst.FORCE_REAL_TIME)
    assert held.send(samples)
    assert fed(held) == pytest.approx(0.5)
    held.close()
    scene.facewright.burst = "FORCE_REAL_TIME"
    job = api.animate(own_face, api.Samples(samples, RATE))  # a bake knows no clock
    assert job.wait(60)


def test_short_sessions_are_animated_with_a_warning(api, burst):
    emotion = api.EmotionParameters(overrides={"joy": 1.0})
    session = api.Session(RATE, emotion=emotion, **burst)
    assert session.send(spoken(0.3), end=True) and session.wait(60)
    assert session.frames()
    assert "under 0.5 s" in " ".join(session.results[0].notices)
