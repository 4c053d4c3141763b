# SPDX-License-Identifier: GPL-3.0-or-later
"""The programming side, row by row: what each emotion parameter does to what the network is given.

The stub that reads emotion hears the same all along in the middle of a steady voice.
"""

from __future__ import annotations

import numpy as np
import pytest
from stub_emotion import make_stub_emotion

RATE = 16000


@pytest.fixture(scope="session")
def hearing(tmp_path_factory):
    """An Audio2Emotion folder whose output is known in closed form."""
    return make_stub_emotion(tmp_path_factory.mktemp("emotion") / "hearing")


@pytest.fixture
def given(api, code, stub, hearing, own_face, scene):
    """The emotion that the network was given, by name (T,), in a steady voice of 24 s."""
    code("properties.library").preferences().model = str(stub.folder)
    tone = np.where(np.arange(24 * RATE) % 2, 0.25, -0.25).astype(np.float32)

    def run(model=None, **parameters):
        job = api.animate(
            own_face,
            api.Samples(tone, RATE),
            emotion=api.EmotionParameters(**parameters),
            emotion_model=str(hearing.folder) if model is None else model,
            accept_licence=True,
        )
        job.wait(60)
        assert job.ok, job.error
        values = np.asarray(job.result.emotion_values)
        names = job.result.emotion_names
        assert set(names) == set(code("core.parameters").EMOTION_NAMES)
        return {name: values[:, column] for column, name in enumerate(names)}

    yield run
    code("properties.library").preferences().model = ""


def middle(values):
    """In the middle nothing is heard of the voice's ends, and everything has settled."""
    return float(values[len(values) // 2])


def loudest(emotions):
    """Names by strength in the middle, strongest first; those at 0 are left out."""
    found = {name: middle(values) for name, values in emotions.items() if middle(values) > 1e-6}
    return sorted(found, key=lambda name: -found[name])


def test_overall_emotion_strength(given):
    """0 to 1, 0.6, after the mix."""
    default, full = given(), given(overall_strength=1.0)
    none = given(overall_strength=0.0)
    assert loudest(default)
    for name in full:
        np.testing.assert_allclose(default[name], 0.6 * full[name], atol=1e-6)
        assert not none[name].any()
    mixed = given(overall_strength=0.3, override_strength=1.0, overrides={"joy": 1.0})
    assert middle(mixed["joy"]) == pytest.approx(0.3, abs=1e-3)


def test_single_settings_go_before_the_interfaces_defaults(api, given, hearing, own_face):
    given()  # the stub model is that of the preferences now
    tone = np.where(np.arange(4 * RATE) % 2, 0.25, -0.25).astype(np.float32)
    found = []
    for settings in ({}, {"overall_emotion_strength": 0.3}):
        job = api.animate(
            own_face, api.Samples(tone, RATE), emotion_model=str(hearing.folder),
            settings=settings, accept_licence=True,
        )  # fmt: skip
        assert job.wait(60), job.error
        found.append(job.result.emotion_values)
    assert found[0].max() > 0.1
    np.testing.assert_allclose(found[1], 0.5 * found[0], atol=1e-6)


def test_detected_emotion_contrast(given):
    """0.3 to 3, 1.0: higher favours the strongest."""
    flat, plain, steep = (given(contrast=value, max_emotions=6) for value in (0.3, 1.0, 3.0))
    first, second = loudest(plain)[:2]
    ratios = [
        middle(emotions[first]) / middle(emotions[second]) for emotions in (flat, plain, steep)
    ]
    assert ratios[0] < ratios[1] < ratios[2]
    assert ratios[2] == pytest.approx(ratios[1] ** 3, rel=1e-2)  # softmax of the multiplied logits


def test_max_detected_emotions(given):
    """1 to 6, 3 here, strongest first."""
    everything = loudest(given(max_emotions=6))
    assert len(everything) == 5  # six labels, neutral is none
    for count in (1, 2, 3):
        kept = loudest(given(max_emotions=count))
        assert len(kept) <= count
        assert kept == everything[: len(kept)]
    assert loudest(given()) == loudest(given(max_emotions=3))


def test_detected_emotion_smoothing(given):
    """Coefficient over time, 0 to 1, 0.7: share of the frame before."""
    none, some, all_of_it = (given(smoothing=value) for value in (0.0, 0.7, 1.0))
    strongest = loudest(none)[0]
    assert some[strongest][0] == pytest.approx(0.3 * none[strongest][0], rel=1e-4)
    assert middle(some[strongest]) == pytest.approx(middle(none[strongest]), rel=1e-2)
    assert not loudest(all_of_it)


def test_emotion_override_strength(given):
    """0 detected only to 1 override only, 0.5."""
    overrides = {"grief": 0.8}
    detected = given()
    zero, half, one = (
        given(override_strength=value, overrides=overrides) for value in (0.0, 0.5, 1.0)
    )
    strongest = loudest(detected)[0]
    for name in detected:
        np.testing.assert_allclose(middle(zero[name]), middle(detected[name]), atol=1e-3)
    assert middle(one["grief"]) == pytest.approx(0.6 * 0.8, abs=1e-3)
    assert loudest(one) == ["grief"]
    assert middle(half["grief"]) > 0.05
    assert middle(half[strongest]) == pytest.approx(0.5 * middle(detected[strongest]), rel=1e-2)
    default = given(overrides=overrides)
    np.testing.assert_allclose(default["grief"], half["grief"])


def test_emotion_overrides(given):
    """Per emotion, disabled or 0 to 1; 0 is neutral; values outside are ignored."""
    detected = given()
    strongest = loudest(detected)[0]
    ignored = given(overrides={strongest: 1.5, "fear": -0.5, "joy": None})
    for name in detected:
        np.testing.assert_array_equal(ignored[name], detected[name])
    neutral = given(override_strength=1.0, overrides={strongest: 0.0})
    assert middle(neutral[strongest]) == pytest.approx(0.0, abs=1e-6)
    alone = given(model="", overrides={"joy": 1.0, "fear": 0.5})
    assert middle(alone["joy"]) == pytest.approx(0.6 * 0.5 * 1.0, abs=1e-6)
    assert middle(alone["fear"]) == pytest.approx(0.6 * 0.5 * 0.5, abs=1e-6)
    assert loudest(alone) == ["joy", "fear"]


def test_the_built_in_model_hears_where_nobody_names_one(api, code, scene, own_face, stub):
    """A scene that wants emotion from the voice gets it on the first day; "" detects nothing."""
    preferences = code("properties.library").preferences()
    preferences.model = str(stub.folder)
    voice = str(code("scene.places").SAMPLE_VOICE)

    def result(**options):
        job = api.animate(own_face, voice, place_sound=False, **options)
        assert job.wait(60) and job.ok, job.error
        return job.result

    try:
        assert result().emotion_model == ""  # the scene detects nothing yet
        scene.facewright.add_pipeline().detect_emotion = "FRAMES"
        heard = result()
        assert heard.emotion_model == "Facewright Emotion"
        assert "Emotion was read from the voice by Facewright Emotion." in heard.remarks
        assert np.max(heard.emotion_values) > 0.05
        named = result(emotion_model="facewright emotion")
        np.testing.assert_array_equal(named.emotion_values, heard.emotion_values)
        silent = result(emotion_model="")
        assert silent.emotion_model == ""
        assert not np.any(silent.emotion_values)
    finally:
        preferences.model = ""
