# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames of a diffusion model as coefficients of a basis that grows with them."""

from __future__ import annotations

import numpy as np
import pytest
from facewright.core.network.compact import TOLERANCE, Compactor


def linear_frames(count, rank, width, seed=0, scale=1.0):
    rng = np.random.default_rng(seed)
    shapes = rng.standard_normal((rank, width)) * scale
    return (rng.standard_normal((count, rank)) @ shapes).astype(np.float32)


def rebuilt(coefficients, basis):
    """Float64 frames of coefficients that may know fewer directions than the basis has."""
    return coefficients.astype(float) @ basis[: coefficients.shape[1]].astype(float)


def test_frames_of_few_shapes_need_as_many_directions():
    frames = linear_frames(90, 7, 600)
    compactor = Compactor(600)
    parts = [compactor.push(frames[first : first + 30]) for first in range(0, 90, 30)]
    assert compactor.rows == 7
    for first, part in zip(range(0, 90, 30), parts, strict=True):
        expected = frames[first : first + 30]
        np.testing.assert_allclose(rebuilt(part, compactor.basis), expected, atol=TOLERANCE)


def test_random_data_of_rank_512_is_kept_within_the_tolerance():
    frames = linear_frames(750, 512, 3000, scale=0.05)
    compactor = Compactor(3000)
    parts = [compactor.push(frames[first : first + 30]) for first in range(0, 750, 30)]
    assert compactor.rows <= 540  # a few more: the frames themselves are rounded to float32
    assert compactor.worst <= TOLERANCE
    basis = compactor.basis
    for index, part in enumerate(parts):
        error = np.abs(rebuilt(part, basis) - frames[30 * index : 30 * index + 30]).max()
        assert error <= TOLERANCE
    np.testing.assert_allclose(basis @ basis.T, np.eye(len(basis)), atol=2e-6)


def test_directions_are_only_added_so_that_earlier_coefficients_stay_true():
    frames = linear_frames(60, 50, 400)
    compactor = Compactor(400)
    first = compactor.push(frames[:30])
    known = compactor.basis
    second = compactor.push(frames[30:])
    assert first.shape[1] == len(known) < second.shape[1] == compactor.rows
    np.testing.assert_array_equal(compactor.basis[: len(known)], known)


def test_motion_below_the_tolerance_adds_nothing():
    frames = np.full((30, 500), 0.9 * TOLERANCE, np.float32)
    compactor = Compactor(500)
    assert compactor.push(frames).shape == (30, 0)
    assert compactor.basis.shape == (0, 500)
    assert compactor.worst == pytest.approx(0.9 * TOLERANCE)


def test_only_the_directions_that_are_needed_are_added():
    rng = np.random.default_rng(3)
    frames = linear_frames(30, 4, 2000)
    frames += rng.uniform(-1e-6, 1e-6, frames.shape).astype(np.float32)
    compactor = Compactor(2000)
    compactor.push(frames)
    assert compactor.rows == 4


def test_restored_between_two_blocks_the_rest_has_the_same_bits():
    frames = linear_frames(150, 140, 900)
    blocks = [frames[first : first + 30] for first in range(0, 150, 30)]
    whole = Compactor(900)
    expected = [whole.push(block) for block in blocks]
    for cut in range(1, 5):
        begun = Compactor(900)
        for block in blocks[:cut]:
            begun.push(block)
        resumed = Compactor(900, begun.basis)
        for block, wanted in zip(blocks[cut:], expected[cut:], strict=True):
            np.testing.assert_array_equal(resumed.push(block), wanted)
        np.testing.assert_array_equal(resumed.basis, whole.basis)


def test_with_too_few_rows_the_error_is_known_and_memory_stays_bounded():
    frames = linear_frames(60, 60, 300)
    compactor = Compactor(300, limit=20)
    parts = [compactor.push(frames[:30]), compactor.push(frames[30:])]
    assert compactor.rows == 20
    assert compactor.worst > TOLERANCE
    errors = [
        np.abs(rebuilt(part, compactor.basis) - frames[30 * k : 30 * k + 30]).max()
        for k, part in enumerate(parts)
    ]
    assert max(errors) == pytest.approx(compactor.worst, rel=1e-3)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_blocks_of_any_length_fit(count):
    compactor = Compactor(50)
    compactor.push(linear_frames(3, 2, 50))
    frames = np.tile(linear_frames(1, 1, 50, seed=9), (count, 1))
    part = compactor.push(frames)
    assert part.shape == (count, compactor.rows)
    np.testing.assert_allclose(rebuilt(part, compactor.basis), frames, atol=TOLERANCE)


def test_more_frames_than_numbers_in_one_fit():
    frames = linear_frames(40, 40, 12)
    compactor = Compactor(12)
    np.testing.assert_allclose(
        rebuilt(compactor.push(frames), compactor.basis), frames, atol=TOLERANCE
    )
    assert compactor.rows == 12
