# SPDX-License-Identifier: GPL-3.0-or-later
"""What a process of a batch does with its rows, in this process."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from batches import leftovers


@pytest.fixture
def rows(stubs, tmp_path):
    """Five short voices."""
    from facewright.core.batch.manifest import voice_rows

    paths = [tmp_path / f"line {number}.wav" for number in range(5)]
    for number, path in enumerate(paths):
        stubs.write_wav(path, stubs.speech_like(0.3 + 0.1 * number, seed=number))
    return voice_rows([str(path) for path in paths])


@pytest.fixture
def maker(stubs, tmp_path):
    """What a process of a batch does its rows with."""
    from facewright.core.batch.ledger import Ledger
    from facewright.core.batch.order import Order
    from facewright.worker.batch_rows import Maker

    model = stubs.make_stub_model(tmp_path / "model").folder
    return Maker(Order(model=str(model)), Ledger(tmp_path / "out"), "x", "cpu")


def test_a_fault_of_ours_costs_one_row_and_names_its_report(rows, maker, monkeypatch):
    from facewright.core.batch.outputs import write_files as real

    def stumble(folder, row, order, face):
        if row.number == 1:
            raise ZeroDivisionError("a bug")
        return real(folder, row, order, face)

    monkeypatch.setattr("facewright.worker.batch_rows.write_files", stumble)
    told = [maker.make(row) for row in rows]
    assert [one.state for one in told] == ["done", "failed", "done", "done", "done"]
    assert "line 1.wav: something unexpected went wrong; the report is " in told[1].message
    text = Path(told[1].message.rpartition(" is ")[2]).read_text("utf-8")
    assert "ZeroDivisionError: a bug" in text and "Traceback" in text
    assert not leftovers(maker.ledger.folder)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_stays_flat_over_rows(rows, maker):
    """Measured after the first few rows."""

    sizes = []
    for turn in range(8):
        for row in rows:
            again = replace(row, output=f"{turn}/{row.output}")
            assert maker.make(again).state == "done"
        sizes.append(_resident())
    assert sizes[-1] - sizes[1] < 4 << 20


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
