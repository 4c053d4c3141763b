# SPDX-License-Identifier: GPL-3.0-or-later
"""Every language of `locale` has all texts of the tool, and no others."""

from __future__ import annotations

import json
import string

import bpy
import msgids
import pytest


@pytest.fixture(params=["de_DE"])
def texts(request, root):
    path = root / "locale" / f"{request.param.lower()}.json"
    found = json.loads(path.read_text("utf-8"))
    assert found["language"] == request.param and found["schema_version"] == 1
    return found["messages"]


def test_every_file_is_looked_at(root):
    assert [path.name for path in (root / "locale").iterdir()] == ["de_de.json"]


def test_every_text_of_the_tool_is_translated(texts, root):
    wanted = msgids.wanted(root)
    missing = [f"{text!r} ({place})" for text, place in wanted.items() if not texts.get(text)]
    assert not missing, "add to locale/*.json:\n" + "\n".join(missing)
    gone = [repr(text) for text in texts if text not in wanted]
    assert not gone, "the tool shows these no more, take them out of locale/*.json:\n" + "\n".join(
        gone
    )


def test_values_stand_in_translated_sentences_too(texts):
    """Each is filled in by name, with the same form of the number."""
    for text, translated in texts.items():
        assert _fields(text) == _fields(translated), text


def test_full_stops_are_where_the_english_has_them(texts):
    for text, translated in texts.items():
        assert text.endswith(".") == translated.endswith("."), text


def test_a_broken_file_is_left_out(code, tmp_path, monkeypatch, root):
    module = code("translations")
    whole = (root / "locale" / "de_de.json").read_text("utf-8")
    (tmp_path / "de_de.json").write_text(whole, "utf-8")
    (tmp_path / "fr_FR.json").write_text(whole[:100], "utf-8")
    (tmp_path / "it_IT.json").write_text('{"schema_version": 9}', "utf-8")
    monkeypatch.setattr(module, "LOCALE", tmp_path)
    found = module._languages()
    assert list(found) == ["de_DE"]
    assert found["de_DE"]["Operator", "Animate"] == found["de_DE"]["*", "Animate"] == "Animieren"


def test_operators_and_labels_come_out_in_german(code):
    """Only in a Blender that has translations at all."""
    view = bpy.context.preferences.view
    try:
        view.language = "de_DE"
    except TypeError:
        pytest.skip("this Blender has no translations")
    try:
        view.use_translate_interface = True
        look_up = bpy.app.translations.pgettext_iface
        assert look_up("Attached Meshes") == "Zugehörige Meshes"
        assert look_up("Animate All", "Operator") == "Alle animieren"
    finally:
        view.language = "en_US"


def _fields(text: str) -> list[tuple[str, str]]:
    parsed = string.Formatter().parse(text)
    return sorted((name, form or "") for _, name, form, _ in parsed if name is not None)
