# SPDX-License-Identifier: GPL-3.0-or-later
"""Records of rows: when they are up to date, and that nothing is half in its place."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import replace
from fractions import Fraction

import pytest
from facewright.core.batch import ledger as ledgers
from facewright.core.batch.ledger import Ledger, Record, audio_sha256, row_mark
from facewright.core.batch.manifest import voice_rows
from facewright.core.batch.order import Order
from facewright.core.emotion.source import EmotionSource
from facewright.core.errors import UserError
from facewright.core.exchange.gains import Gains
from facewright.core.solve.pose_table import PoseTable, RigOverrides

ROW = voice_rows(["/voices/朝 1.wav"])[0]
ORDER = Order(model="/models/one")


def mark(row=ROW, order=ORDER, audio="a", model="m", emotion="", extra=None):
    return row_mark(row, order, audio, model, emotion, extra)


def test_everything_that_decides_a_rows_files_is_in_its_mark():
    others = [
        mark(audio="b"), mark(model="n"), mark(extra={"blend": "x"}),
        mark(replace(ROW, output="x")), mark(replace(ROW, start_s=0.1)),
        mark(replace(ROW, end_s=1.0)), mark(replace(ROW, channel=0)),
        mark(replace(ROW, character="Face")), mark(replace(ROW, identity="James")),
        mark(replace(ROW, settings={"blink_seed": 9})),
        mark(replace(ROW, formats=("usd",))), mark(replace(ROW, fps=Fraction(24))),
        mark(replace(ROW, emotion={"overrides": {"joy": 1.0}})),
        mark(order=replace(ORDER, fps=Fraction(24000, 1001))),
        mark(order=replace(ORDER, settings={"blink_seed": 9, "blink_offset": 0.1})),
        mark(order=replace(ORDER, rigs=RigOverrides(skin=PoseTable(active={"jawOpen": False})))),
        mark(order=replace(ORDER, gains=Gains({"jawOpen": 2.0}))),
        mark(order=replace(ORDER, formats=("json", "usd"))),
        mark(order=replace(ORDER, low_delay=True)), mark(order=replace(ORDER, tongue=False)),
        mark(order=replace(ORDER, emotion=EmotionSource(mode="frames")), emotion="e"),
        mark(order=replace(ORDER, emotion=EmotionSource(mode="frames")), emotion="f"),
    ]  # fmt: skip
    assert len({mark(), *others}) == len(others) + 1


def test_places_and_ways_of_saying_the_same_do_not_count():
    assert mark() == mark(order=replace(ORDER, model="/another/place"))
    assert mark() == mark(replace(ROW, number=7, where="line 9", audio="/elsewhere/x.wav"))
    assert mark(replace(ROW, settings={"blink_seed": 3})) == mark(
        order=replace(ORDER, settings={"blink_seed": 3.0})
    )
    assert mark(emotion="e") == mark()  # it is off
    assert mark(audio="") == ""


def test_a_voices_hash_is_that_of_its_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert audio_sha256(str(tmp_path / "a")) == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
    assert audio_sha256(str(tmp_path)) == audio_sha256(str(tmp_path / "b")) == ""
    assert audio_sha256("a\0b") == ""


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "out 出力")


def put(ledger, row=ROW, the_mark="m", **files):
    with ledger.working() as folder:
        made = []
        for name, text in files.items():
            path = folder / f"{row.output}.{name}"
            path.write_text(text)
            made.append(path)
        return ledger.put(row, the_mark, made)


def test_a_row_is_done_while_its_files_are_there_as_they_were_made(ledger):
    assert ledger.record(ROW) is None
    assert put(ledger, json="12", usd="345") == {"朝 1.json": 2, "朝 1.usd": 3}
    assert ledger.is_done(ROW, "m")
    assert not ledger.is_done(ROW, "n")
    assert not ledger.is_done(ROW, "")
    assert not ledger.is_done(replace(ROW, output="other"), "m")
    (ledger.folder / "朝 1.usd").write_text("longer")
    assert not ledger.is_done(ROW, "m")
    put(ledger, json="12", usd="345")
    assert ledger.is_done(ROW, "m")
    (ledger.folder / "朝 1.json").unlink()
    assert not ledger.is_done(ROW, "m")
    assert list((ledger.folder / ".facewright" / "work").iterdir()) == []


def test_a_row_of_a_folder_of_its_own(ledger):
    row = replace(ROW, output="scene 2/a")
    with ledger.working() as folder:
        (folder / "a.json").write_text("x")
        sizes = ledger.put(row, "m", [folder / "a.json"])
    assert sizes == {"scene 2/a.json": 1}
    assert ledger.is_done(row, "m")


def test_failures_are_remembered_unless_another_was_faster(ledger):
    ledger.fail(ROW, "m", "It is empty.")
    assert ledger.record(ROW) == Record("failed", "m", {}, "It is empty.")
    put(ledger, json="x")
    ledger.fail(ROW, "m", "late")
    assert ledger.record(ROW).state == "done"
    ledger.fail(ROW, "n", "The new voice is empty.")
    assert not ledger.is_done(ROW, "m")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"state": "done"}', '{"state": 1, "mark": "m", "files": {}}',
             '{"state": "done", "mark": "m", "files": {"a": "b"}}',
             '{"state": "done", "mark": "m", "files": {}}'],
)  # fmt: skip
def test_a_record_that_makes_no_sense_is_no_record(ledger, text):
    (ledger.folder / ".facewright" / "rows" / f"{ROW.output}.json").write_text(text)
    assert not ledger.is_done(ROW, "m")


def test_a_file_that_is_open_elsewhere_leaves_the_row_undone(ledger, monkeypatch):
    """As Windows refuses it; of two files the first is new then, and whole."""
    put(ledger, json="old", usd="old")
    real = os.replace

    def refuse(source, target):
        if str(target).endswith(".usd"):
            raise PermissionError(
                errno.EACCES, "used by another process", str(source), None, str(target)
            )
        real(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(UserError, match=r"朝 1\.usd cannot be written: used by another.*open"):
        put(ledger, json="newer", usd="newer")
    monkeypatch.undo()
    assert not ledger.is_done(ROW, "m")
    assert (ledger.folder / "朝 1.json").read_text() == "newer"
    assert (ledger.folder / "朝 1.usd").read_text() == "old"
    put(ledger, json="newer", usd="newer")
    assert ledger.is_done(ROW, "m")


@pytest.mark.skipif(os.name == "nt", reason="permissions of Unix")
def test_a_replaced_file_keeps_its_permissions(ledger):
    put(ledger, json="old")
    (ledger.folder / "朝 1.json").chmod(0o604)
    put(ledger, json="new")
    assert stat.S_IMODE((ledger.folder / "朝 1.json").stat().st_mode) == 0o604


def test_what_the_dead_have_left_is_cleared_and_the_living_keep_theirs(ledger):
    work = ledger.folder / ".facewright" / "work"
    host = ledgers._host()
    dead, alive = work / f"{host}-999999999-ab", work / f"{host}-{os.getpid()}-ab"
    other = work / "elsewhere9-999999999-ab"
    for folder in (dead, alive, other):
        folder.mkdir()
        (folder / "half.json").write_text("x")
    ledger.clear()
    assert sorted(path.name for path in work.iterdir()) == sorted([alive.name, other.name])
