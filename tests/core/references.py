# SPDX-License-Identifier: GPL-3.0-or-later
"""The published formulas, written as they are read: one frame and one vertex at a time, float64."""

from __future__ import annotations

import math

import numpy as np


def window(samples, start, length, gain):
    """Samples start..start+length, silence outside, times gain."""
    return np.array(
        [gain * samples[k] if 0 <= k < len(samples) else 0.0 for k in range(start, start + length)]
    )


def skin_frames(data, coefficients, blink, fps, s, shapes=None):
    """The skin animator on vertices: (T, V, 3) float64. ``shapes``: the model's own when None."""
    shapes = data.skin_shapes if shapes is None else shapes
    neutral = data.skin_neutral.astype(float)
    heights = neutral[:, 1]
    share = (heights - heights.min()) / (heights.max() - heights.min())
    mask = np.array([_logistic((s.face_mask_level - h) / s.face_mask_softness) for h in share])
    dt = 1.0 / float(fps)
    states = {}
    frames = []
    for t, row in enumerate(coefficients.astype(float)):
        delta = np.zeros_like(neutral)
        for weight, shape in zip(row, shapes.astype(float), strict=True):
            delta += weight * shape
        moved = (
            s.skin_strength * delta
            + data.eye_close_delta.astype(float)
            * (-s.eyelid_open_offset + blink[t] * s.blink_strength)
            + data.lip_open_delta.astype(float) * s.lip_open_offset
        )
        smoothed = {}
        for region, half_life in (
            ("upper", s.upper_face_smoothing),
            ("lower", s.lower_face_smoothing),
        ):
            if t == 0 or half_life <= 0:
                states[region] = [moved.copy(), moved.copy()]
            else:
                gain = 1.0 - 0.5 ** (dt / half_life)
                first, second = states[region]
                first = first + (moved - first) * gain
                second = second + (first - second) * gain
                states[region] = [first, second]
            smoothed[region] = states[region][1]
        frames.append(
            neutral
            + smoothed["upper"] * s.upper_face_strength * (1 - mask[:, None])
            + smoothed["lower"] * s.lower_face_strength * mask[:, None]
        )
    return np.array(frames)


def tongue_frames(data, coefficients, s, shapes=None):
    """The tongue on vertices: (T, Vt, 3) float64. ``shapes``: the model's own when None."""
    shapes = data.tongue_shapes if shapes is None else shapes
    frames = []
    for row in coefficients.astype(float):
        moved = np.zeros(data.tongue_neutral.shape)
        for weight, shape in zip(row, shapes.astype(float), strict=True):
            moved += weight * shape
        pose = data.tongue_neutral.astype(float) + s.tongue_strength * moved
        pose[:, 1] += s.tongue_height_offset
        pose[:, 2] += s.tongue_depth_offset
        frames.append(pose)
    return np.array(frames)


def _logistic(x):
    if x > 700:
        return 1.0
    return 0.0 if x < -700 else 1.0 / (1.0 + math.exp(-x))


def respaced(steps, wanted):
    """The steps of a long diffusion that a short one keeps: evenly spaced, both ends included."""
    return [round(k * (steps - 1) / (wanted - 1)) for k in range(wanted)]


def solve_matrix(rig, temporal=True):
    """D (active poses as columns), A and s of the published solver for a rig."""
    config = rig.config
    active = [i for i, on in enumerate(config.active) if on]
    rows = range(len(rig.neutral)) if rig.mask is None else rig.mask
    columns = [np.concatenate([rig.deltas[i][v] for v in rows]).astype(float) for i in active]
    matrix = np.array(columns).T
    neutral = rig.neutral.astype(float)
    diagonal = np.linalg.norm(neutral.max(axis=0) - neutral.min(axis=0))
    s = (diagonal / config.template_size) ** 2
    count = len(active)
    a = matrix.T @ matrix
    a += config.l1**2 * 0.25 * s * np.ones((count, count))
    a += config.l2 * 10 * s * np.eye(count)
    a += config.temporal * 100 * s * np.eye(count)
    for name in sorted(set(config.symmetry_ids) - {-1}):
        pair = [k for k, pose in enumerate(active) if config.symmetry_ids[pose] == name]
        if len(pair) == 2:
            row = np.zeros(count)
            row[pair[0]], row[pair[1]] = 1, -1
            a += config.symmetry * 10 * s * np.outer(row, row)
    return matrix, a, s


def bounded_minimum(a, b, upper=None):
    """argmin w'Aw/2 - b'w, 0 <= w <= upper, by scipy's BVLS on the Cholesky factor."""
    from scipy.optimize import lsq_linear

    upper = np.ones(len(b)) if upper is None else upper
    low = np.linalg.cholesky(a)
    found = lsq_linear(
        low.T, np.linalg.solve(low, b), bounds=(np.zeros(len(b)), upper), method="bvls", tol=1e-13
    )
    return found.x
