# SPDX-License-Identifier: GPL-3.0-or-later
"""Runtimes are fetched by pip from wherever the user's pip looks; here from small made-up files."""

from __future__ import annotations

import base64
import hashlib
import importlib.machinery
import importlib.util
import json
import os
import shutil
import sysconfig
import time
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from facewright.core import runtimes as known
from facewright.core.errors import Cancelled, UserError
from facewright.worker import runtimes as job
from facewright.worker.calls import Call

STATE = f"onnxruntime/capi/onnxruntime_pybind11_state{importlib.machinery.EXTENSION_SUFFIXES[0]}"
CONTENTS = {
    "onnxruntime-gpu": {"onnxruntime/__init__.py": b"here = True\n", STATE: b"native"},
    "nvidia-one": {"nvidia/one/lib/libone.so": b"1" * 3000},
    "nvidia-two": {"nvidia/two/lib/libtwo.so": b"2" * 3000},
}


def make_wheel(folder: Path, package: str, files: dict[str, bytes], version: str = "1.0") -> Path:
    """A wheel for every platform, as the packaging rules want it."""
    stem = f"{package.replace('-', '_')}-{version}"
    path = folder / f"{stem}-py3-none-any.whl"
    info = f"{stem}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n"
    tags = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    members = {**files, f"{info}/METADATA": metadata.encode(), f"{info}/WHEEL": tags.encode()}
    record = "".join(
        f"{name},sha256={_digest(data)},{len(data)}\n" for name, data in members.items()
    )
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
        archive.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")
    return path


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


class Shop:
    """Wheels in a folder, and a lock that names them."""

    def __init__(self, folder: Path) -> None:
        self.wheels, self.lock = folder / "wheels", folder / "runtimes.lock.toml"
        self.folder = folder / "r\u00fcntimes" / "cuda-1.0"
        self.wheels.mkdir()
        for package, files in CONTENTS.items():
            make_wheel(self.wheels, package, files)
        self.write_lock()

    def write_lock(self, **changed: Any) -> None:
        lines = []
        for path in sorted(self.wheels.glob("*.whl")):
            row = {
                "runtimes": ["cuda"],
                "file": path.name,
                "package": path.name.split("-")[0].replace("_", "-"),
                "version": "1.0",
                "pythons": [known.this_python()],
                "platforms": [known.this_platform()],
                "size": path.stat().st_size,
                "unpacked": 3000,
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                "license": "MIT",
                **changed,
            }
            lines += ["[[wheel]]", *(f"{key} = {json.dumps(row[key])}" for key in row)]
        self.lock.write_text("\n".join(lines), encoding="utf-8")

    @property
    def part(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}.part")

    def fetch(self, cancelled: Any = lambda: False, **changed: Any) -> Any:
        self.told: list[tuple[float, str]] = []
        args = {"name": "cuda", "folder": str(self.folder), "lock": str(self.lock), **changed}

        def progress(fraction: float, stage: str, patience_s: float = 0.0) -> None:
            self.told.append((fraction, stage))

        return job.fetch_runtime(Call(args, {}, progress, cancelled, 1))[0]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """pip looks into the shop and nowhere else, because its own settings say so."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    made = Shop(tmp_path)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(made.wheels))
    monkeypatch.setattr(job, "POLL_S", 0.02)
    return made


def test_a_runtime_arrives_whole(shop: Shop) -> None:
    result = shop.fetch()
    assert result["version"] == "1.0"
    assert known.fetched_version(shop.folder) == "1.0"
    assert known.unusable(shop.folder) == ""
    for files in CONTENTS.values():
        for name, data in files.items():
            assert (shop.folder / name).read_bytes() == data
    left = {path.name for path in shop.folder.iterdir() if path.suffix != ".dist-info"}
    assert left == {"onnxruntime", "nvidia", known.MARKER}
    assert not shop.part.exists()


def test_progress_only_grows(shop: Shop) -> None:
    shop.fetch()
    shares = [share for share, _stage in shop.told]
    assert shares == sorted(shares)
    assert all(0 <= share <= 1 for share in shares)


def test_an_index_of_the_users_own_is_asked(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mirror that pip is set to: the simple layout of a package index."""
    for path in shop.wheels.glob("*.whl"):
        place = tmp_path / "simple" / path.name.split("-")[0].replace("_", "-")
        place.mkdir(parents=True)
        shutil.copy(path, place)
        page = f'<!DOCTYPE html><html><body><a href="{path.name}">{path.name}</a></body></html>'
        (place / "index.html").write_text(page, encoding="utf-8")
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            asked.append(self.path)

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(tmp_path)))
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        monkeypatch.delenv("PIP_NO_INDEX")
        monkeypatch.delenv("PIP_FIND_LINKS")
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/simple")
        shop.fetch()
    finally:
        server.shutdown()
        server.server_close()
    assert any("onnxruntime-gpu" in path for path in asked)
    assert shop.folder.is_dir()


def test_another_file_of_the_same_name_is_refused(shop: Shop) -> None:
    make_wheel(shop.wheels, "nvidia-two", {"nvidia/two/lib/libtwo.so": b"other"})
    with pytest.raises(UserError, match=r"nvidia_two-1\.0.*(refused|not to be had)"):
        shop.fetch()
    assert not shop.folder.exists()


def test_what_is_there_is_not_fetched_again(shop: Shop) -> None:
    missing = next(shop.wheels.glob("onnxruntime*"))
    aside = missing.rename(shop.folder.parent.parent / missing.name)
    with pytest.raises(UserError, match="not to be had"):
        shop.fetch()
    kept = sorted((shop.part / ".files").iterdir())
    assert [path.name.split("-")[0] for path in kept] == ["nvidia_one", "nvidia_two"]
    for path in shop.wheels.iterdir():
        path.unlink()
    aside.rename(missing)
    shop.fetch()
    assert shop.folder.is_dir()


@pytest.mark.parametrize("kept", [b"", b"half", None])
def test_a_file_that_is_not_whole_is_fetched_again(shop: Shop, kept: bytes | None) -> None:
    """pip was killed, or the power failed, while it put the file in its place."""
    name = next(shop.wheels.glob("nvidia_one*")).name
    files = shop.part / ".files"
    files.mkdir(parents=True)
    whole = (shop.wheels / name).read_bytes()
    (files / name).write_bytes(bytes(len(whole)) if kept is None else kept)
    assert shop.fetch()["version"] == "1.0"


def test_cancel_ends_pip_and_leaves_only_the_part(shop: Shop, tmp_path: Path) -> None:
    slow = tmp_path / "slow.py"
    slow.write_text("import time\ntime.sleep(60)\n", encoding="utf-8")
    began = time.monotonic()
    before = set(_children())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job, "RUN", slow)
        with pytest.raises(Cancelled):
            shop.fetch(cancelled=lambda: len(shop.told) > 3)
    assert time.monotonic() - began < 30
    assert set(_children()) <= before
    assert not shop.folder.exists()
    assert [path.name for path in shop.folder.parent.iterdir()] == [shop.part.name]
    shop.fetch()
    assert shop.folder.is_dir()


def _children() -> list[str]:
    listing = Path(f"/proc/self/task/{os.getpid()}/children")
    return listing.read_text().split() if listing.exists() else []


def test_pip_ends_with_the_worker(tmp_path: Path) -> None:
    """The life line: a process whose worker was killed is gone at once."""
    import subprocess
    import sys

    (tmp_path / "pip").mkdir()
    (tmp_path / "pip" / "__init__.py").touch()
    text = "import sys, time\nprint(sys.argv[1:], flush=True)\ntime.sleep(60)\n"
    (tmp_path / "pip" / "__main__.py").write_text(text, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-I", str(job.RUN), str(tmp_path), "download", "x"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout.readline().strip() == b"['download', 'x']"
    process.stdin.close()
    assert process.wait(20) == 9
    process.stdout.close()


def test_pip_comes_with_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where pip is not installed, as in some Blenders, the one kept for venv is used."""
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "pip" else find(name)
    )
    try:
        wheel = job._pip_wheel()
    except UserError:
        pytest.skip("this Python keeps no pip for venv")
    assert Path(wheel).name.startswith("pip-")
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name: None if name in ("pip", "ensurepip") else find(name),
    )
    monkeypatch.setattr(sysconfig, "get_config_var", lambda _name: None)
    with pytest.raises(UserError, match="has no pip"):
        job._pip_wheel()


def test_with_the_pip_that_comes_with_python(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "pip" else find(name)
    )
    try:
        job._pip_wheel()
    except UserError:
        pytest.skip("this Python keeps no pip for venv")
    shop.fetch()
    assert shop.folder.is_dir()


def test_too_little_space_is_said_first(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(shop.wheels)._replace(free=2_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)
    with pytest.raises(UserError, match=r"too little space.*2 MB are free"):
        shop.fetch()
    assert not list((shop.part / ".files").iterdir())


def test_a_runtime_that_does_not_exist_here_is_a_sentence(shop: Shop) -> None:
    with pytest.raises(UserError, match="no DirectML runtime for"):
        shop.fetch(name="directml")
    shop.write_lock(pythons=["cp399"])
    with pytest.raises(UserError, match=r"no NVIDIA \(CUDA\) runtime for"):
        shop.fetch()
    with pytest.raises(UserError, match="list of runtimes"):
        shop.fetch(lock=str(shop.lock.with_name("none.toml")))


def test_what_cannot_be_used_does_not_appear(shop: Shop) -> None:
    next(shop.wheels.glob("onnxruntime*")).unlink()
    make_wheel(shop.wheels, "onnxruntime-gpu", {"onnxruntime/__init__.py": b""})
    shop.write_lock()
    with pytest.raises(UserError, match="cannot be used"):
        shop.fetch()
    assert not shop.folder.exists()


def test_why_a_folder_is_no_runtime(tmp_path: Path) -> None:
    assert "does not exist" in known.unusable(tmp_path / "none")
    assert "holds no onnxruntime" in known.unusable(tmp_path)
    state = tmp_path / STATE
    state.parent.mkdir(parents=True)
    (state.parent / "onnxruntime_pybind11_state.cpython-39-x.so").touch()
    assert "is not for Python" in known.unusable(tmp_path)
    state.touch()
    assert known.unusable(tmp_path) == ""
    assert known.fetched_version(tmp_path) == ""


@pytest.mark.parametrize("python", ["cp311", "cp313"])
@pytest.mark.parametrize(
    ("name", "platform"),
    [("cuda", "linux-x64"), ("cuda", "windows-x64"), ("directml", "windows-x64")],
)
def test_the_lock_is_whole(name: str, platform: str, python: str) -> None:
    runtime = known.find_runtime(name, platform, python)
    packages = [wheel.package for wheel in runtime.wheels]
    assert len(set(packages)) == len(packages)
    assert sum(package.startswith("onnxruntime") for package in packages) == 1
    assert runtime.unpacked > runtime.size > 1e6
    assert all(len(wheel.sha256) == 64 for wheel in runtime.wheels)
    assert runtime.folder_name == f"{name}-{runtime.version}-{python}"
    if name == "cuda":
        assert {"nvidia-cublas", "nvidia-cudnn-cu13", "nvidia-cufft"} <= set(packages)
        assert set(runtime.proprietary) == {p for p in packages if p.startswith("nvidia-")}


def test_there_is_none_for_other_computers() -> None:
    assert known.find_runtime("cuda", "macos-arm64", "cp311") is None
    assert known.find_runtime("directml", "linux-x64", "cp311") is None
