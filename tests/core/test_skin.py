# SPDX-License-Identifier: GPL-3.0-or-later
"""The skin animator against the published formulas, frame by frame and vertex by vertex."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
import references
from facewright.core import limits
from facewright.core.errors import UserError
from facewright.core.parameters import Settings
from facewright.core.postprocess import skin

EVERYTHING = Settings.from_mapping(
    {"skin_strength": 1.3, "upper_face_strength": 0.7, "lower_face_strength": 1.4,
     "upper_face_smoothing": 0.06, "lower_face_smoothing": 0.02, "eyelid_open_offset": 0.3,
     "blink_strength": 1.2, "lip_open_offset": -0.15, "face_mask_level": 0.45,
     "face_mask_softness": 0.1}
)  # fmt: skip


@pytest.fixture(scope="module")
def coefficients():
    return np.random.default_rng(2).normal(0, 1, (75, 6)).astype(np.float32)


@pytest.fixture(scope="module")
def blink():
    return np.clip(np.random.default_rng(3).normal(0, 1, 75), 0, 1)


@pytest.mark.parametrize("fps", [Fraction(60), Fraction(24000, 1001)])
@pytest.mark.parametrize("settings", [Settings(), EVERYTHING], ids=["defaults", "everything"])
def test_vertices_equal_the_reference(model, coefficients, blink, settings, fps):
    found = np.concatenate(
        list(
            skin.skin_blocks(model.data, model.data.skin_shapes, coefficients, blink, fps, settings)
        )
    )
    expected = references.skin_frames(model.data, coefficients, blink, fps, settings)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_reconstruction_from_272_shapes_equals_the_plain_product(model):
    """Published figure: 1e-5 against a product in another precision."""
    rng = np.random.default_rng(5)
    vertices = len(model.data.skin_neutral)
    shapes = rng.normal(0, 0.02, (272, vertices, 3)).astype(np.float32)
    values = rng.normal(0, 1, (20, 272)).astype(np.float32)
    plain = dataclasses.replace(
        Settings(), eyelid_open_offset=0.0, lip_open_offset=0.0, upper_face_smoothing=0.0,
        lower_face_smoothing=0.0,
    )  # fmt: skip
    (found,) = skin.skin_blocks(model.data, shapes, values, np.zeros(20), Fraction(30), plain)
    moved = np.einsum("tk,kvx->tvx", values.astype(float), shapes.astype(float))
    np.testing.assert_allclose(found, model.data.skin_neutral.astype(float) + moved, atol=1e-5)


def test_smoothing_controls_equals_smoothing_vertices(model, coefficients, blink):
    """The claim the fast path rests on, in float64 on both sides."""
    controls = skin.skin_controls(coefficients, blink, EVERYTHING)
    smoothed, _ = skin.smooth(controls, Fraction(60), EVERYTHING)
    basis = skin.skin_basis(model.data, model.data.skin_shapes).astype(float)
    strengths = skin.region_strengths(model.data.skin_neutral, EVERYTHING)
    found = model.data.skin_neutral.astype(float) + np.einsum(
        "trk,kvx,rv->tvx", smoothed, basis, strengths
    )
    expected = references.skin_frames(model.data, coefficients, blink, Fraction(60), EVERYTHING)
    np.testing.assert_allclose(found, expected, atol=1e-10)


@pytest.mark.parametrize("cuts", [(1, 74), (20, 21, 22), (64,)])
def test_blocks_with_a_carried_state_equal_the_whole_to_the_bit(coefficients, blink, cuts):
    controls = skin.skin_controls(coefficients, blink, EVERYTHING)
    whole, last = skin.smooth(controls, Fraction(60), EVERYTHING)
    state, parts = None, []
    for part in np.split(controls, cuts):
        block, state = skin.smooth(part, Fraction(60), EVERYTHING, state)
        parts.append(block)
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    np.testing.assert_array_equal(state.first, last.first)
    np.testing.assert_array_equal(state.second, last.second)


def test_geometry_in_small_blocks_equals_geometry_in_large_ones(
    model, coefficients, blink, monkeypatch
):
    def run():
        blocks = skin.skin_blocks(
            model.data, model.data.skin_shapes, coefficients, blink, Fraction(30), EVERYTHING
        )
        return [block.copy() for block in blocks]

    large = run()
    monkeypatch.setattr(limits, "GEOMETRY_BLOCK", 7)
    small = run()
    assert len(large) == 1
    assert max(map(len, small)) == 7
    np.testing.assert_allclose(np.concatenate(small), np.concatenate(large), atol=2e-6)


def test_a_state_is_not_changed_by_using_it(coefficients, blink):
    controls = skin.skin_controls(coefficients, blink, EVERYTHING)
    _, state = skin.smooth(controls[:10], Fraction(60), EVERYTHING)
    first = state.first.copy()
    skin.smooth(controls[10:], Fraction(60), EVERYTHING, state)
    np.testing.assert_array_equal(state.first, first)
    again, same = skin.smooth(controls[:0], Fraction(60), EVERYTHING, state)
    assert again.shape == (0, 2, 8)
    assert same is state


def test_published_step_response_of_the_smoother():
    """Half-life .1 s at 60 fps: .684 after 20 frames; .0023 and .006 s: .987 and .730 after one."""

    def after(frames, half_life):
        step = np.concatenate([np.zeros((1, 1)), np.ones((frames, 1))])
        settings = dataclasses.replace(Settings(), lower_face_smoothing=half_life)
        return skin.smooth(step, Fraction(60), settings)[0][-1, 1, 0]

    assert after(20, 0.1) == pytest.approx(0.684, abs=5e-4)
    assert after(1, 0.0023) == pytest.approx(0.987, abs=5e-4)
    assert after(1, 0.006) == pytest.approx(0.730, abs=5e-4)
    assert after(1, 0.0) == 1.0


def test_published_numbers_of_the_two_pole_smoother():
    """Smoothing .2 s with steps of 0, .1, .3, .2, .65 s, a unit step from the second sample on."""
    state, found = None, []
    settings = dataclasses.replace(Settings(), lower_face_smoothing=0.1)
    for value, dt in zip((0, 1, 1, 1, 1), (1.0, 0.1, 0.3, 0.2, 0.65), strict=True):
        # The gain depends on dt / half-life alone, so .2 s at dt is .1 s at dt / 2.
        rate = Fraction(2) / Fraction(dt).limit_denominator(1000)
        block, state = skin.smooth(np.array([[float(value)]]), rate, settings, state)
        found.append(block[0, 1, 0])
    np.testing.assert_allclose(found, [0, 0.0857864, 0.5151651, 0.6950825, 0.9561916], atol=1e-6)


def test_mask_goes_from_lower_to_upper_face_and_becomes_a_step(model):
    neutral = model.data.skin_neutral
    heights = (neutral[:, 1] - neutral[:, 1].min()) / np.ptp(neutral[:, 1])
    mask = skin.face_mask(neutral, 0.6, 0.001)
    clear = np.abs(heights - 0.6) > 0.02
    np.testing.assert_allclose(mask[clear], (heights < 0.6)[clear], atol=1e-8)
    assert (skin.face_mask(neutral, 0.0, 0.01)[heights > 0.1] < 1e-4).all()
    assert (skin.face_mask(neutral, 1.0, 0.01)[heights < 0.9] > 1 - 1e-4).all()
    assert (np.diff(skin.face_mask(neutral, 0.5, 0.2)[np.argsort(heights)]) <= 0).all()
    with pytest.raises(UserError, match="no height"):
        skin.face_mask(np.zeros((4, 3), np.float32), 0.6, 0.01)


def test_no_motion_and_no_offsets_give_the_neutral_face(model):
    still = dataclasses.replace(Settings(), eyelid_open_offset=0.0, lip_open_offset=0.0)
    frames = list(
        skin.skin_blocks(
            model.data,
            model.data.skin_shapes,
            np.zeros((3, 6), np.float32),
            np.zeros(3),
            Fraction(30),
            still,
        )
    )
    np.testing.assert_array_equal(frames[0], np.repeat(model.data.skin_neutral[None], 3, axis=0))


def test_a_full_blink_adds_the_closed_pose(model):
    settings = dataclasses.replace(
        Settings(), eyelid_open_offset=0.0, lip_open_offset=0.0, upper_face_smoothing=0.0,
        lower_face_smoothing=0.0,
    )  # fmt: skip
    (block,) = skin.skin_blocks(
        model.data,
        model.data.skin_shapes,
        np.zeros((1, 6), np.float32),
        np.ones(1),
        Fraction(30),
        settings,
    )
    expected = model.data.skin_neutral + model.data.eye_close_delta
    np.testing.assert_allclose(block[0], expected, atol=2e-6)
