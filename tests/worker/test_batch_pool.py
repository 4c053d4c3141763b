# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that die over their rows, and how many of them there are."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from facewright.core import memory
from facewright.core.batch.manifest import voice_rows
from facewright.core.batch.report import Outcome, Report, RowResult
from facewright.core.errors import UserError
from facewright.core.models.model import read_index
from facewright.worker import batch_cards
from facewright.worker.batch_pool import Pool

# A process that dies over rows 3 and 5, over 3 the first time only, and tells what it is
PROCESS = """
import json, os, sys
start = json.loads(sys.stdin.readline())
if start.get("refuse"):
    print(json.dumps({"refused": "It cannot be."}), flush=True)
    sys.exit(0)
if start.get("die"):
    os._exit(9)
print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    row = json.loads(line)
    mark = os.path.join(start["folder"], str(row["number"]))
    again = os.path.exists(mark)
    open(mark, "w").close()
    if row["number"] == 5 or (row["number"] == 3 and not again):
        os._exit(9)
    card, threads = os.environ.get("CUDA_VISIBLE_DEVICES", ""), os.environ["OMP_NUM_THREADS"]
    print(json.dumps({"row": row["number"], "audio": row["audio"], "output": row["output"],
        "state": "done", "files": [], "seconds": 0, "message": "", "notices": [card, threads]}),
        flush=True)
"""


def pool(folder, cards, **start):
    return Pool([sys.executable, "-c", PROCESS], {"folder": str(folder), **start}, cards, 3)


@pytest.mark.parametrize("count", [1, 3])
def test_a_process_that_dies_costs_its_row_alone(tmp_path, count):
    rows = voice_rows([f"{number}.wav" for number in range(12)])
    told = list(pool(tmp_path, ("",) * count).results(rows))
    assert sorted(result.row for result in told) == list(range(12))
    (failed,) = [result for result in told if result.state == "failed"]
    assert failed.row == 5
    assert "5.wav: the process that worked on it ended twice, with the code 9" in failed.message
    assert all(result.notices[1] == "3" for result in told if result.state == "done")


def test_every_process_has_a_card_of_its_own(tmp_path):
    rows = voice_rows([f"{number}.wav" for number in (0, 1, 2, 4, 6, 7)])
    told = list(pool(tmp_path, ("0", "GPU-abc")).results(rows[:3]))
    assert {result.notices[0] for result in told} <= {"0", "GPU-abc"}


@pytest.mark.parametrize(("start", "says"), [("refuse", "It cannot be"), ("die", "code 9")])
def test_processes_that_cannot_begin_end_the_batch(tmp_path, start, says):
    one = pool(tmp_path, ("", ""), **{start: True})
    with pytest.raises(UserError, match=says):
        list(one.results(voice_rows(["a.wav", "b.wav", "c.wav"])))
    assert not one._running


def test_left_early_all_processes_are_ended(tmp_path):
    one = pool(tmp_path, ("", ""))
    told = one.results(voice_rows([f"{number}.wav" for number in range(3)]))
    next(told)
    processes = [child.process for child in one._running]
    told.close()
    assert [process.poll() is not None for process in processes] == [True] * len(processes)


GIB = 1 << 30


@pytest.mark.parametrize(
    ("jobs", "threads", "rows", "free", "count"),
    [(0, 1, 99, None, 8), (0, 2, 99, None, 4), (0, 1, 3, None, 3), (5, 1, 99, None, 5),
     (0, 1, 99, 1.0, 1), (0, 1, 99, 3.5, 3), (0, 16, 99, None, 1), (0, 1, 0, None, 1)],
)  # fmt: skip
def test_processes_by_cores_and_memory(
    monkeypatch, families_folder, jobs, threads, rows, free, count
):
    monkeypatch.setattr(batch_cards, "cores", lambda: 8)
    monkeypatch.setattr(memory, "free_memory", lambda: None if free is None else int(free * GIB))
    index = read_index(families_folder)
    monkeypatch.setattr(
        batch_cards, "read_index", lambda _folder: _with_memory(index, int(1.1 * GIB))
    )
    cards, notes = batch_cards.cards_for(families_folder, "cpu", jobs, threads, rows)
    assert cards == ("",) * count
    assert not notes


def _with_memory(index, size):
    from dataclasses import replace

    return replace(index, memory_bytes=size)


@pytest.fixture
def families_folder(stubs, tmp_path):
    return stubs.make_stub_model(tmp_path / "model").folder


@pytest.mark.parametrize(
    ("visible", "jobs", "cards"),
    [(None, 0, ("0", "1", "2")), (None, 2, ("0", "1")), (None, 9, ("0", "1", "2")),
     ("2,GPU-x", 0, ("2", "GPU-x")), ("2", 4, ("2",))],
)  # fmt: skip
def test_no_graphics_card_is_shared(monkeypatch, visible, jobs, cards):
    three = tuple(memory.Card(f"card {n}", GIB, GIB) for n in range(3))
    monkeypatch.setattr(memory, "cards", lambda: three)
    monkeypatch.setattr(batch_cards, "resolve", lambda _device: "cuda")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    found, notes = batch_cards.cards_for(Path(), "auto", jobs, 1, 50)
    assert found == cards
    assert bool(notes) == (jobs > len(cards))


def test_exit_codes_follow_the_rows():
    row = voice_rows(["a.wav"])[0]
    codes: dict[Outcome, int] = {"done": 0, "skipped": 0, "failed": 3, "missing": 3}
    for state, code in codes.items():
        report = Report(1)
        report.add(RowResult.of(row, state))
        assert report.exit_code() == code
        assert report.exit_code(no_fail=True) == 0
        assert bool(report.last_lines()) == (code == 3)
        assert not report.last_lines(no_fail=True)
