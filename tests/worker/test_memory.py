# SPDX-License-Identifier: GPL-3.0-or-later
"""A model that may not fit is opened all the same, with a word about it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from facewright.core import memory
from facewright.providers.process import ENTRY
from facewright.worker.kept import Kept, Wanted


@pytest.mark.parametrize("free", [1000, 1 << 50, None])
def test_short_memory_becomes_a_notice(
    stubs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int | None
) -> None:
    stubs.make_stub_model(tmp_path / "model")
    monkeypatch.setattr(memory, "free_memory", lambda: free)
    loaded = Kept().loaded(Wanted(str(tmp_path / "model"), threads=1))
    said = [text for text in loaded.network.notices if "GiB free" in text]
    assert len(said) == (free == 1000)


def test_the_job_tells_what_is_free(make: Any) -> None:
    worker = make.ready(ENTRY)
    ticket = worker.submit("memory", {})
    make.finish(worker, ticket)
    assert ticket.state == "done", ticket.error
    assert ticket.result["free"] is None or ticket.result["free"] > 1 << 20
    assert isinstance(ticket.result["cards"], list)
