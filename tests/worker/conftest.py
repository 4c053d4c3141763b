# SPDX-License-Identifier: GPL-3.0-or-later
"""Real workers, real sockets; every test is bounded in time and leaves no process behind."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import os
import runpy
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
runpy.run_path(str(ROOT / "worker" / "bootstrap.py"))["load_package"]()

from facewright.providers.base import Ticket  # noqa: E402
from facewright.providers.local import DEADLINES, Deadlines, LocalWorker  # noqa: E402

sys.path.insert(0, str(Path(__file__).parent))

ENTRY = Path(__file__).with_name("entry.py")
TEST_LIMIT_S = 40


@pytest.fixture(autouse=True)
def _limit() -> Iterator[None]:
    """Fail a test that hangs (where alarms exist)."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def too_long(_number: int, _frame: Any) -> None:
        raise TimeoutError(f"the test took longer than {TEST_LIMIT_S} s")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(TEST_LIMIT_S)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def _wait_until(condition: Callable[[], bool], step: Callable[[], Any] | None = None) -> None:
    """Call ``step`` until ``condition`` holds; a generous limit stands for "never"."""
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it never happened"
        if step is not None:
            step()
        time.sleep(0.002)


def _alive(pid: int) -> bool:
    """True while a process of that number exists (a child must have been waited for)."""
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    # a process whose parent was killed may stay as a zombie where nobody collects it
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


class Make:
    """Makes workers with the test entry and its extra jobs, and ends them after the test."""

    wait_until = staticmethod(_wait_until)
    alive = staticmethod(_alive)

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made: list[LocalWorker] = []

    def __call__(self, entry: Path | str = ENTRY, **options: Any) -> LocalWorker:
        if isinstance(entry, str):
            script = self.folder / f"entry_{len(self.made)}.py"
            script.write_text(entry, encoding="utf-8")
            entry = script
        log = str(self.folder / "logs" / "worker.log")
        options.setdefault("wheels_folder", None)
        worker = LocalWorker(log_path=log, entry=entry, **options)
        self.made.append(worker)
        return worker

    def ready(self, entry: Path | str = ENTRY, **options: Any) -> LocalWorker:
        """A worker that has said hello."""
        worker = self(entry, **options)
        worker.start()
        _wait_until(lambda: worker.ready or bool(worker.problem), worker.poll)
        assert worker.ready, worker.problem
        return worker

    @staticmethod
    def finish(worker: LocalWorker, *tickets: Ticket) -> None:
        """Poll until the tickets are finished."""
        _wait_until(lambda: all(ticket.finished for ticket in tickets), worker.poll)

    @property
    def log(self) -> str:
        return (self.folder / "logs" / "worker.log").read_text(encoding="utf-8")


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    maker = Make(tmp_path)
    yield maker
    for worker in maker.made:
        pid = worker.pid
        worker.stop()
        if pid is not None:
            with contextlib.suppress(OSError):
                os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))
            assert not _alive(pid)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalWorker]:
    """One ready worker for all tests of a file that do it no harm."""
    maker = Make(tmp_path_factory.mktemp("shared"))
    worker = maker.ready()
    yield worker
    worker.stop()


@pytest.fixture
def deadlines() -> Callable[..., Deadlines]:
    """The product's deadlines with some replaced."""
    return lambda **changed: dataclasses.replace(DEADLINES, **changed)


@pytest.fixture(scope="session")
def stubs() -> ModuleType:
    """``tests/stubs.py``: a model whose results are known, and test sounds."""
    spec = importlib.util.spec_from_file_location("worker_stubs", ROOT / "tests" / "stubs.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
