# SPDX-License-Identifier: GPL-3.0-or-later
"""The two pose tables name shapes that exist and stay within their bounds."""

from __future__ import annotations

import numpy as np
import pytest
from facewright.core.naming import ARKIT_NAMES, TONGUE_NAMES
from facewright.core.parameters import EMOTION_NAMES
from facewright.training.articulation import (
    EMOTIONS,
    FEATURES,
    SHAPES,
    read_articulation,
    read_expressions,
    shape_columns,
)
from facewright.training.paths import TRAINING_FOLDER


def test_every_name_in_the_tables_is_a_shape():
    table = read_articulation()
    assert table.poses.shape == (23, 68) == (len(FEATURES), len(SHAPES))
    assert SHAPES == ARKIT_NAMES + TONGUE_NAMES
    expressions = read_expressions()
    assert expressions.shapes.shape == (len(expressions.actions), 68)


def test_a_wrong_name_is_refused(tmp_path):
    text = (TRAINING_FOLDER / "articulation.toml").read_text(encoding="utf-8")
    broken = tmp_path / "broken.toml"
    broken.write_text(text.replace("mouthFunnel", "mouthFunel"), encoding="utf-8")
    with pytest.raises(ValueError, match="mouthFunel"):
        read_articulation(broken)


def test_a_name_without_a_side_means_both():
    assert [SHAPES[i] for i in shape_columns("mouthSmile")] == ["mouthSmileLeft", "mouthSmileRight"]
    assert [SHAPES[i] for i in shape_columns("jawOpen")] == ["jawOpen"]


def test_emotions_come_in_the_order_of_the_engine():
    assert tuple(EMOTION_NAMES) == EMOTIONS
    expressions = read_expressions()
    assert (np.abs(expressions.emotions).sum(axis=1) > 0.5).all()
    assert np.abs(expressions.gaze).max() < 10


def test_silence_has_no_pose_and_weights_stay_moderate():
    table = read_articulation()
    assert not table.poses[FEATURES.index("sil")].any()
    assert np.abs(table.poses).max() <= 1.0
    for shares in (table.shut, table.bite, table.rest):
        assert shares.min() >= 0.0
        assert shares.max() <= 1.0
    # Shapes that the model folder leaves to eye angles and to the tongue's own poses.
    unused = [i for i, name in enumerate(SHAPES) if name.startswith("eyeLook")]
    assert not table.poses[:, unused].any()
    assert not table.poses[:, SHAPES.index("tongueOut")].any()
