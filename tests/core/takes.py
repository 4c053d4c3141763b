# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of whole takes have in common."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from facewright.core import pipeline

FPS = Fraction(30)


def request_of(loaded, voice, settings=None, **more):
    return pipeline.Request(voice, loaded.model.folder, FPS, settings or {}, **more)


def assert_same(found, expected):
    for part in ("weights", "jaw", "eyes"):
        np.testing.assert_array_equal(getattr(found.face, part), getattr(expected.face, part))
    for part in ("skin", "tongue", "jaw", "eyes"):
        np.testing.assert_array_equal(getattr(found.motion, part), getattr(expected.motion, part))
    assert (found.face.head is None) == (expected.face.head is None)
    if found.face.head is not None:
        np.testing.assert_array_equal(found.face.head, expected.face.head)
    np.testing.assert_array_equal(found.emotion.values, expected.emotion.values)
    assert found.settings == expected.settings
    assert found.face.notices == expected.face.notices
    assert found.face.names == expected.face.names


def done_again(bench, before):
    return {name for name, count in bench.counts.items() if count > before[name]}
