# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples of ``docs/scripting.md`` run as they stand there."""

from __future__ import annotations

import re
from typing import Any

import pytest
from makers import curves_of

VOICE = "/voices/line.wav"


@pytest.fixture
def examples(root):
    """The page's Python, block by block."""
    page = (root / "docs" / "scripting.md").read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


def test_the_examples_of_the_page_run(examples, own_face, voice, capsys):
    assert len(examples) >= 7
    names: dict[str, Any] = {}
    for text in examples:
        exec(compile(text.replace(VOICE, voice), "docs/scripting.md", "exec"), names)
    assert names["job"].ok and names["session"].results[-1].ok
    assert curves_of(own_face.data.shape_keys)
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("45 frames") and "x real time, on" in said[0]
    assert said[1].startswith("True 60 ")
    assert said[2].startswith("['Default', 'Facewright'")


def test_the_page_names_everything_that_is_public(code, root):
    page = (root / "docs" / "scripting.md").read_text(encoding="utf-8")
    internal = {"Clock", "FrameBlock", "Job", "SessionResult"}  # met by their attributes
    missing = [name for name in code("api").__all__ if name not in page and name not in internal]
    assert not missing
