# SPDX-License-Identifier: GPL-3.0-or-later
"""The programming side, row by row: whole voices, face parameters, providers, hints."""

from __future__ import annotations

import os
import threading
import time

import bpy
import numpy as np
import pytest
import stubs
from makers import curves_of
from stub_diffusion import make_stub_diffusion


@pytest.fixture
def library(code, stub):
    """The library holds the stub model under the name "Stub"."""
    listed = code("properties.library")
    row = listed.add_model(listed.preferences(), stub.folder)
    row.name = "Stub"
    yield listed
    chosen = listed.preferences()
    while not chosen.models[-1].built_in:
        chosen.models.remove(len(chosen.models) - 1)


@pytest.fixture
def animate(api, library, own_face):
    """``api.animate`` onto the user's face by the stub model; waits for it."""

    def run(voice, **options):
        job = api.animate(own_face, voice, **{"provider": "Stub", **options})
        job.wait(60)
        assert job.ok, job.error
        return job.result

    return run


def test_animate_from(api, library, animate, own_face, voice):
    """Sound (packed too), file path, raw samples; not blocking; success is reported."""
    job = api.animate(own_face, voice, provider="Stub")
    assert not job.done and not job.ok and not curves_of(own_face.data.shape_keys)
    assert job.wait(60)
    assert job.done and job.ok and job.error == "" and job.progress == 1.0
    assert curves_of(own_face.data.shape_keys)
    expected = job.result.face.weights
    sound = bpy.data.sounds.load(voice)
    np.testing.assert_array_equal(animate(sound).face.weights, expected)
    sound.pack()
    np.testing.assert_array_equal(animate(sound).face.weights, expected)
    samples = (stubs.speech_like(1.5) * 32767).round().astype(np.int16)
    np.testing.assert_allclose(
        animate(api.Samples(samples, 16000)).face.weights, expected, atol=2e-4
    )
    stereo = np.repeat((samples / np.float32(32768)).astype(np.float32)[:, None], 2, axis=1)
    np.testing.assert_allclose(
        animate(api.Samples(stereo, 16000, 2)).face.weights, expected, atol=2e-4
    )
    np.testing.assert_allclose(
        animate(api.Samples(stereo, 16000, 2), channel=1).face.weights, expected, atol=2e-4
    )


def test_animate_from_something_that_is_no_sound_is_told_by_the_job(
    api, library, own_face, tmp_path, scene_state
):
    path = tmp_path / "song.wav"
    path.write_bytes(b"no sound at all")
    before = scene_state()
    job = api.animate(own_face, str(path), provider="Stub")
    assert not job.wait(60)
    assert job.done and not job.ok and "song.wav" in job.error
    assert scene_state() == before
    with pytest.raises(api.UserError, match="does not exist"):
        api.animate(own_face, str(tmp_path / "none.wav"))


def test_a_job_can_be_cancelled_and_others_go_on(
    api, library, own_face, voice, tmp_path, scene_state
):
    long = str(stubs.write_wav(tmp_path / "long.wav", stubs.speech_like(60.0)))
    before = scene_state()
    job = api.animate(own_face, long, provider="Stub")
    second = api.animate(own_face, voice, provider="Stub", place_sound=False)
    while job.progress < 0.02:
        api.pump()
        time.sleep(0.01)
    job.cancel()
    assert job.done and job.cancelled and not job.ok
    assert scene_state() == before
    assert second.wait(60)
    assert curves_of(own_face.data.shape_keys)


def test_any_thread_may_cancel_a_job(api, library, own_face, tmp_path, scene_state):
    long = str(stubs.write_wav(tmp_path / "long.wav", stubs.speech_like(60.0)))
    before = scene_state()
    job = api.animate(own_face, long, provider="Stub")
    thread = threading.Thread(target=job.cancel)
    thread.start()
    thread.join()
    assert not job.wait(60)
    assert job.done and job.cancelled
    assert scene_state() == before


def test_one_broken_task_does_not_hold_up_the_others(api, code, library, own_face, voice):
    class Broken:
        def step(self):
            raise ZeroDivisionError("a bug")

        def cancel(self):
            pass

    pump = code("operators.pump")
    pump.add(Broken())
    job = api.animate(own_face, voice, provider="Stub")
    assert job.wait(60)
    assert not pump._pump.tasks


def test_waiting_has_an_end(api, library, own_face, tmp_path):
    long = str(stubs.write_wav(tmp_path / "long.wav", stubs.speech_like(60.0)))
    job = api.animate(own_face, long, provider="Stub")
    assert not job.wait(0.0)
    assert not job.done
    job.cancel()


def test_short_clips(api, animate):
    """Under 0.5 s emotion and face parameters may have no effect: animate, and warn."""
    samples = stubs.speech_like(0.3).astype(np.float32)
    emotion = api.EmotionParameters(overrides={"joy": 1.0})
    result = animate(api.Samples(samples, 16000), emotion=emotion)
    assert result.face.frame_count >= 9
    assert [notice for notice in result.notices if "under 0.5 s" in notice]
    longer = animate(api.Samples(stubs.speech_like(0.6).astype(np.float32), 16000), emotion=emotion)
    assert not [notice for notice in longer.notices if "under 0.5 s" in notice]


def test_face_parameters(api, code, animate, voice):
    """A map of the camelCase names; each is the parameter of the table that it names."""
    names = code("core.exchange.sdk_names").FACE_PARAMETERS
    assert {"lowerFaceSmoothing", "upperFaceSmoothing", "lowerFaceStrength", "upperFaceStrength",
            "faceMaskLevel", "faceMaskSoftness", "skinStrength", "blinkStrength",
            "eyelidOpenOffset", "lipOpenOffset", "blinkOffset", "tongueStrength",
            "tongueHeightOffset", "tongueDepthOffset"} == set(names)  # fmt: skip
    named = animate(voice, face_parameters={"skinStrength": 1.7, "tongueStrength": 0.4})
    plain = animate(voice, settings={"skin_strength": 1.7, "tongue_strength": 0.4})
    np.testing.assert_array_equal(named.face.weights, plain.face.weights)
    assert np.abs(named.face.weights - animate(voice).face.weights).max() > 0.01
    with pytest.raises(api.UserError, match="no face parameter called 'strength'"):
        animate(voice, face_parameters={"strength": 1.0})
    with pytest.raises(api.UserError, match="skinStrength"):
        animate(voice, face_parameters={"skinStrength": 99.0})


def test_providers(api, code, library, animate, own_face, voice, tmp_path):
    """Listed at run time; "" and "Default" are the default; each variant is its own name."""
    assert api.providers() == ["Default", "Facewright", "Stub"]
    assert api.default_provider() == "Facewright"
    three = make_stub_diffusion(tmp_path / "three")
    row = library.add_model(library.preferences(), three.folder)
    row.name = "Three"
    people = [f"Three {person}" for person in three.identities]
    assert api.providers() == ["Default", "Facewright", "Stub", *people]
    with pytest.raises(api.UserError, match=r"no provider called 'Nobody'.*Default, .*Stub, Three"):
        api.animate(own_face, voice, provider="Nobody")
    faces = [animate(voice, provider=name, accept_licence=True).face.weights for name in people[:2]]
    assert np.abs(faces[0] - faces[1]).max() > 1e-3
    same = animate(voice, provider=people[1].upper(), accept_licence=True).face.weights
    np.testing.assert_array_equal(same, faces[1])
    default = code("api.providers").find_provider("").folder
    for name in ("", "Default", "default"):
        assert code("api.providers").find_provider(name).folder == default


def test_the_default_provider_is_the_preferences_model(api, library, stub):
    chosen = library.preferences()
    chosen.model = str(stub.folder)
    try:
        assert api.default_provider() == "Stub"
    finally:
        chosen.model = ""


def test_terms_have_to_be_accepted(api, library, own_face, voice, tmp_path):
    folder = make_stub_diffusion(tmp_path / "claire").folder
    row = library.add_model(library.preferences(), folder)
    row.name = "Other"
    name = next(name for name in api.providers() if name.startswith("Other"))
    with pytest.raises(api.UserError, match="terms of the model"):
        api.animate(own_face, voice, provider=name)
    with pytest.raises(api.UserError, match="terms of the model"):
        api.Session(16000, provider=name)
    with pytest.raises(api.UserError, match="terms of the model"):
        api.allocate(name)
    assert api.allocate(name, accept_licence=True).wait(60)


def test_allocate_free(api, library, animate, own_face, voice):
    """Hints: allocate any time, harmless twice; free any time, works once work ends; reloads."""
    first, second = api.allocate("Stub"), api.allocate("Stub")
    assert first.wait(60) and second.wait(60)
    expected = animate(voice).face.weights
    working = api.animate(own_face, voice, provider="Stub")
    freed = api.free("Stub")
    assert working.wait(60) and freed.wait(60)
    np.testing.assert_array_equal(working.result.face.weights, expected)
    assert api.free("Stub").wait(60)
    np.testing.assert_array_equal(animate(voice).face.weights, expected)
    assert api.free(None).wait(60)
    with pytest.raises(api.UserError, match="no provider called"):
        api.allocate("Nobody")


def test_free_gives_the_memory_back(api, code, library, animate, voice):
    """When nothing is left open, the worker's process ends."""
    animate(voice)
    pid = code("operators.worker_host").worker().pid
    assert pid is not None
    assert api.free(None).wait(60)
    end = time.monotonic() + 20
    while time.monotonic() < end:
        api.pump()
        try:
            os.kill(pid, 0)
        except OSError:
            break
        time.sleep(0.02)
    with pytest.raises(OSError):
        os.kill(pid, 0)
    animate(voice)
