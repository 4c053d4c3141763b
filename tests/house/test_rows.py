# SPDX-License-Identifier: GPL-3.0-or-later
"""Every row of the manual's programming side has a test that is named after it."""

from __future__ import annotations

import re

import pytest

from .tree import ROOT

ROWS = {
    "animate from": "test_animate_from",
    "raw samples": "test_raw_samples",
    "cancel": "test_cancel",
    "overall emotion strength": "test_overall_emotion_strength",
    "detected emotion contrast": "test_detected_emotion_contrast",
    "max detected emotions": "test_max_detected_emotions",
    "detected emotion smoothing": "test_detected_emotion_smoothing",
    "emotion override strength": "test_emotion_override_strength",
    "emotion overrides": "test_emotion_overrides",
    "short clips": "test_short_clips",
    "face parameters": "test_face_parameters",
    "providers": "test_providers",
    "burst": "test_burst",
    "allocate, free": "test_allocate_free",
}


@pytest.mark.parametrize("row", ROWS)
def test_the_row_has_its_test(row: str) -> None:
    texts = [path.read_text("utf-8") for path in (ROOT / "tests" / "blender").glob("test_api_*.py")]
    found = re.findall(rf"^def {ROWS[row]}\(.*", "\n".join(texts), re.MULTILINE)
    assert len(found) == 1
