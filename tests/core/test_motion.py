# SPDX-License-Identifier: GPL-3.0-or-later
"""A motion at other frame rates."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from diffusion_runs import listen
from facewright.core.motion import at_rate


def test_half_the_rate_takes_every_second_frame(james, james_network, clip):
    motion = listen(james_network, james, clip)
    half = at_rate(motion, Fraction(30), 69)
    np.testing.assert_array_equal(half.skin, motion.skin[::2])
    np.testing.assert_array_equal(half.jaw, motion.jaw[::2])
    assert half.fps == 30 and half.shapes is motion.shapes


def test_other_rates_are_linear_between_the_frames(james, james_network, clip):
    motion = listen(james_network, james, clip)
    film = at_rate(motion, Fraction(24000, 1001), 56)
    times = np.arange(56) * 1001 / 24000
    for name in ("skin", "tongue", "jaw", "eyes"):
        values = getattr(motion, name).reshape(138, -1)
        found = getattr(film, name).reshape(56, -1)
        for column in range(values.shape[1]):
            expected = np.interp(times, np.arange(138) / 60, values[:, column])
            np.testing.assert_allclose(found[:, column], expected, atol=1e-5)


def test_the_same_rate_is_the_same_motion(james, james_network, clip):
    motion = listen(james_network, james, clip)
    assert at_rate(motion, Fraction(60), 138) is motion
