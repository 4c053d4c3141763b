# SPDX-License-Identifier: GPL-3.0-or-later
"""Downloads from a hub on the loopback: whole and right, or not there at all."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from facewright.core import hub
from facewright.core.errors import Cancelled, UserError
from facewright.core.hub import ORIGIN
from facewright.core.models.model import read_index
from facewright.worker import download as job
from facewright.worker import transfer
from facewright.worker.calls import Call
from facewright.worker.staging import staging

REPOSITORY = "someone/Face-Model"
NAME = "Größe \u4e2d"
LARGEST = "model_data.npz"


def _load(name: str) -> Any:
    path = Path(__file__).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(f"worker_{name}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


hub_server = _load("hub_server")


@pytest.fixture
def published(stubs: Any, tmp_path: Path) -> Any:
    """A model on a hub."""
    folder = tmp_path / "published"
    stubs.make_stub_model(folder)
    (folder / "README.md").write_text("A face.\n", encoding="utf-8")
    (folder / ".gitattributes").write_text("*.npz filter=lfs\n", encoding="utf-8")
    (folder / "empty.txt").write_bytes(b"")
    server = hub_server.HubServer(folder, REPOSITORY)
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries follow each other at once."""
    monkeypatch.setattr(transfer.Transfer.__init__, "__defaults__", ((0.0, 0.0), 5.0))


class Run:
    """Runs the job in this process, as the worker does."""

    def __init__(self, server: Any, folder: Path) -> None:
        self.server, self.folder = server, folder
        self.told: list[tuple[float, str]] = []
        self.stop_at = 2.0

    def __call__(self, **changed: Any) -> Any:
        args = {
            "title": "The Model",
            "repository": REPOSITORY,
            "revision": "main",
            "folder": str(self.folder),
            "hub": self.server.address,
            **changed,
        }

        def progress(fraction: float, stage: str, patience_s: float = 0.0) -> None:
            self.told.append((fraction, stage))

        def cancelled() -> bool:
            return bool(self.told) and self.told[-1][0] > self.stop_at

        result, arrays = job.download(Call(args, {}, progress, cancelled, 1))
        assert not arrays
        return result

    @property
    def part(self) -> Path:
        return self.folder.with_name(self.folder.name + ".part")


@pytest.fixture
def run(published: Any, tmp_path: Path) -> Run:
    return Run(published, tmp_path / "models" / NAME)


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_model_arrives_whole(run: Run, published: Any) -> None:
    result = run(notice="Licensed by someone.")
    wanted = files_in(published.folder)
    del wanted[".gitattributes"]
    found = files_in(run.folder)
    origin = json.loads(found.pop(ORIGIN))
    assert found.pop("NOTICE.txt") == b"Licensed by someone.\n"
    assert found == wanted
    assert result == {
        "folder": str(run.folder),
        "revision": hub_server.COMMIT,
        "files": len(wanted),
        "bytes": sum(map(len, wanted.values())),
    }
    assert origin["repository"] == REPOSITORY
    assert origin["revision"] == hub_server.COMMIT
    assert read_index(run.folder).family == "regression"
    assert not run.part.exists()
    fractions = [fraction for fraction, _stage in run.told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0


def test_no_account_is_ever_sent(run: Run, published: Any) -> None:
    run()
    names = {name.lower() for headers in published.headers for name in headers}
    assert not names & {"authorization", "cookie"}


def test_the_listing_may_come_in_pages(run: Run, published: Any) -> None:
    published.pages = 3
    run()
    assert published.counts["listing"] == 3
    assert (run.folder / LARGEST).read_bytes() == (published.folder / LARGEST).read_bytes()


def test_a_listing_that_is_cut_off_is_asked_for_again(run: Run, published: Any) -> None:
    published.cut["listing"] = [100]
    run()
    assert published.counts["listing"] == 2
    assert (run.folder / LARGEST).is_file()


def test_a_cut_connection_goes_on_where_it_stopped(run: Run, published: Any) -> None:
    published.cut[LARGEST] = [1000, 500]
    run()
    asked = [where for name, where in published.asked if name == LARGEST]
    assert asked == ["", "bytes=1000-", "bytes=1500-"]
    assert (run.folder / LARGEST).read_bytes() == (published.folder / LARGEST).read_bytes()


def test_a_server_without_ranges_starts_again(run: Run, published: Any) -> None:
    published.cut[LARGEST], published.rangeless = [1000], True
    run()
    assert (run.folder / LARGEST).read_bytes() == (published.folder / LARGEST).read_bytes()


def test_a_connection_that_brings_nothing_is_given_up(run: Run, published: Any) -> None:
    published.cut[LARGEST] = [1000, 0, 0, 0, 0]
    with pytest.raises(UserError, match="ended early"):
        run()
    assert not run.folder.exists()
    assert (run.part / f"{LARGEST}.part").stat().st_size == 1000
    published.cut.clear()
    run()
    assert published.asked[-1][1] or ("model_data.npz", "bytes=1000-") in published.asked
    assert (run.folder / LARGEST).read_bytes() == (published.folder / LARGEST).read_bytes()


def test_cancel_leaves_only_the_part_and_the_next_try_uses_it(run: Run, published: Any) -> None:
    run.stop_at = 0.3
    with pytest.raises(Cancelled):
        run()
    assert not run.folder.exists()
    assert [path.name for path in run.folder.parent.iterdir()] == [run.part.name]
    begun = sum(map(len, files_in(run.part).values()))
    assert begun > 0
    run.stop_at = 2.0
    run()
    assert not run.part.exists()
    assert all(count <= 2 for count in published.counts.values())


def test_wrong_contents_are_refused(run: Run, published: Any) -> None:
    published.lie[LARGEST] = "0" * 64
    with pytest.raises(UserError, match=f"{LARGEST}.*is refused"):
        run()
    assert not run.folder.exists()
    assert not (run.part / LARGEST).exists()
    assert not (run.part / f"{LARGEST}.part").exists()


def test_wrong_contents_of_a_small_file_are_refused(run: Run, published: Any) -> None:
    published.lie["README.md"] = "0" * 40
    with pytest.raises(UserError, match=r"README\.md.*is refused"):
        run()
    assert not run.folder.exists()


def test_an_old_beginning_of_another_version_is_thrown_away(run: Run, published: Any) -> None:
    run.part.mkdir(parents=True)
    (run.part / f"{LARGEST}.part").write_bytes(b"of another version")
    (run.part / "gone.json").write_text("{}", encoding="utf-8")
    run()
    found = files_in(run.folder)
    assert found[LARGEST] == (published.folder / LARGEST).read_bytes()
    assert "gone.json" not in found


def test_another_file_than_the_known_one_stops_before_anything_is_fetched(
    run: Run, published: Any
) -> None:
    with pytest.raises(UserError, match=r"another network\.onnx"):
        run(sha256={"network.onnx": "1" * 64})
    assert set(published.counts) == {"listing"}


@pytest.mark.parametrize(
    ("order", "text"),
    [
        ({"listing": [401]}, "asks for an account"),
        ({"listing": [403]}, "asks for an account"),
        ({"listing": [404]}, "does not have"),
        ({"listing": [418]}, "answered 418"),
        ({"listing": [503] * 9}, "cannot be reached: it answered 503"),
        ({"network.onnx": [404]}, "does not have"),
        ({"network.onnx": [429] * 9}, "cannot be reached: it answered 429"),
    ],
)
def test_what_the_server_says_is_a_sentence(run: Run, published: Any, order: Any, text: str):
    published.status.update(order)
    with pytest.raises(UserError, match=text) as caught:
        run()
    assert caught.value.message.endswith(".")
    assert not run.folder.exists()


def test_a_passing_fault_is_waited_for(run: Run, published: Any) -> None:
    published.status.update({"listing": [503], "network.onnx": [500, 502]})
    run()
    assert run.folder.is_dir()


def test_a_hub_that_is_not_there_is_named(run: Run) -> None:
    run.server.stop()
    with pytest.raises(UserError, match=r"127\.0\.0\.1 cannot be reached"):
        run()


def test_a_redirection_on_the_same_loopback_is_followed(run: Run, published: Any) -> None:
    published.move[LARGEST] = f"{published.address}/store/{LARGEST}"
    run()
    assert (run.folder / LARGEST).read_bytes() == (published.folder / LARGEST).read_bytes()


@pytest.mark.parametrize("place", ["http://example.invalid/x", "file:///etc/hosts"])
def test_other_redirections_are_refused(run: Run, published: Any, place: str) -> None:
    published.move[LARGEST] = place
    with pytest.raises(UserError, match=r"not safe|cannot be reached|answered 302"):
        run()
    assert not run.folder.exists()


@pytest.mark.parametrize(
    ("source", "target", "fine"),
    [
        ("https://a.example/x", "https://b.example/y", True),
        ("https://a.example/x", "http://a.example/y", False),
        ("https://a.example/x", "http://127.0.0.1/y", False),
        ("http://127.0.0.1:1/x", "http://127.0.0.1:2/y", True),
        ("http://127.0.0.1:1/x", "http://b.example/y", False),
        ("http://127.0.0.1:1/x", "https://b.example/y", True),
        ("https://a.example/x", "https://user:word@b.example/y", False),
        ("https://a.example/x", "ftp://a.example/y", False),
    ],
)
def test_which_redirections_are_followed(source: str, target: str, fine: bool) -> None:
    assert hub.may_follow(source, target) is fine


@pytest.mark.parametrize(
    "path",
    [
        "../outside.json",
        "sub/../../outside.json",
        "/etc/outside.json",
        "C:/outside.json",
        "sub\\outside.json",
        "a//b.json",
        "./a.json",
        "con.json",
        "sub/aux",
        "name ",
        "dot.",
        "new\nline",
        "",
        "x" * 300,
    ],
)
def test_names_that_lead_elsewhere_are_refused(run: Run, published: Any, path: str) -> None:
    published.rows = [{"type": "file", "path": path, "size": 3, "oid": "0" * 40}]
    with pytest.raises(UserError, match="which is refused"):
        run()
    assert set(published.counts) == {"listing"}
    assert not (run.folder.parent.parent / "outside.json").exists()


@pytest.mark.parametrize(
    "row",
    [
        {"type": "file", "path": "a", "size": -1, "oid": "0" * 40},
        {"type": "file", "path": "a", "size": True, "oid": "0" * 40},
        {"type": "file", "path": "a", "size": 1, "oid": "xyz"},
        {"type": "file", "path": "a", "size": 1, "oid": "0" * 40, "lfs": {"oid": "0" * 40}},
        {"type": "file", "path": "MODEL.json", "size": 1, "oid": "0" * 40},
        {"type": "file", "path": "a", "size": 1 << 50, "oid": "0" * 40},
        {"type": "file"},
        "a",
    ],
)
def test_a_listing_that_makes_no_sense_is_refused(run: Run, published: Any, row: Any) -> None:
    published.rows = [row]
    with pytest.raises(UserError):
        run()
    assert set(published.counts) == {"listing"}


def test_what_is_no_model_is_refused(run: Run, published: Any) -> None:
    (published.folder / "model.json").unlink()
    with pytest.raises(UserError, match=r"no model\.json"):
        run()
    assert not run.folder.exists()


def test_a_broken_model_does_not_appear(run: Run, published: Any) -> None:
    (published.folder / "model.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UserError):
        run()
    assert not run.folder.exists()


def test_too_little_space_is_said_before_anything_is_fetched(
    run: Run, published: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(run.folder.anchor)._replace(free=1_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)
    with pytest.raises(UserError, match=r"too little space.*1 MB are free"):
        run()
    assert set(published.counts) == {"listing"}


def test_a_folder_that_is_there_is_not_touched(run: Run) -> None:
    run.folder.mkdir(parents=True)
    (run.folder / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(UserError, match="is there already"):
        run()
    assert files_in(run.folder) == {"mine.txt": b"mine"}


def test_two_at_once_do_not_mix(run: Run) -> None:
    with staging(run.folder), pytest.raises(UserError, match="another Blender"):
        run()


@pytest.mark.parametrize("address", ["ftp://a.example", "a.example", "https://u:p@a.example"])
def test_an_address_that_is_none_is_refused(run: Run, address: str) -> None:
    with pytest.raises(UserError, match="is no address"):
        run(hub=address)


def test_a_studio_can_name_its_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    assert hub.hub_address() == hub.ADDRESS
    monkeypatch.setenv(hub.ADDRESS_VARIABLE, "https://mirror.example/hub/")
    assert hub.hub_address() == "https://mirror.example/hub"


def test_every_published_model_is_pinned() -> None:
    for model in hub.PUBLISHED:
        assert len(model.revision) == 40
        assert hub.published(model.key) is model
        assert all(len(value) == 64 for value in model.sha256.values())
    with pytest.raises(UserError, match="no published model"):
        hub.published("emotion")


def test_through_a_real_worker(make: Any, run: Run) -> None:
    from facewright.providers.process import ENTRY

    worker = make.ready(ENTRY)
    args = {"repository": REPOSITORY, "folder": str(run.folder), "hub": run.server.address}
    ticket = worker.submit("download", args)
    make.finish(worker, ticket)
    assert ticket.state == "done", ticket.error
    assert ticket.result["files"] > 5
    assert run.folder.is_dir()
