# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/batch.md says what the command really takes."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

from facewright.core.batch.manifest import read_manifest
from facewright.core.batch.order import Order
from facewright.core.batch.outputs import ENDINGS
from facewright.worker.batch_command import _parser

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "batch.md").read_text("utf-8")


def examples():
    return re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)


def test_every_option_and_format_stands_on_the_page():
    hidden = ("--help", "--life-line")
    options = [
        word
        for action in _parser()._actions
        for word in action.option_strings
        if word.startswith("--") and word not in hidden and action.help != argparse.SUPPRESS
    ]
    rows = [row.split("|")[1] for row in PAGE.splitlines() if row.startswith("| `--")]
    assert set(re.findall(r"--[a-z-]+", " ".join(rows))) == set(options)
    assert all(f"`{name}`" in PAGE for name in ENDINGS)


def test_the_examples_of_the_page_are_understood(tmp_path):
    manifest, order, result = examples()
    (tmp_path / "rows.jsonl").write_text(manifest, "utf-8")
    assert not [row.problem for row in read_manifest(tmp_path / "rows.jsonl") if row.problem]
    assert Order.from_mapping(json.loads(order), tmp_path).fps.denominator == 1001
    assert json.loads(result)["state"] == "failed"
