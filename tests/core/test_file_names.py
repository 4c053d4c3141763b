# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of files: what any system refuses is named, and taken out where a name is made."""

from __future__ import annotations

import pytest
from facewright.core.file_names import cleaned_name, name_problem

REFUSED = (
    "", ".", "..", "a.", " a", "a ", "a/b", "a\\b", "a:b", "a*", "a?", 'a"b', "a<b", "a>b", "a|b",
    "a\nb", "a\0b", "con", "NUL", "com1", "lpt9.json", "aux.tar.gz",
)  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_some_system_refuses(name):
    assert name_problem(name)
    made = cleaned_name(name)
    assert made == "" or name_problem(made) == ""


@pytest.mark.parametrize("name", ["voice", "私の line 1", ".hidden", "con1", "a.b", "console"])
def test_what_every_system_takes_stays(name):
    assert name_problem(name) == ""
    assert name.startswith(".") or cleaned_name(name) == name


def test_the_letter_is_named_and_names_are_cut():
    assert "':'" in name_problem("a:b")
    assert cleaned_name("a" * 300, 60) == "a" * 60
