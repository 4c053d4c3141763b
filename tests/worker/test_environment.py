# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages that cannot be used are explained; packages that others replaced are noticed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from facewright.providers.wheels import shipped_versions
from facewright.worker.environment import describe, explain
from facewright.worker.faults import NO_DEVICE_MEMORY, NO_MEMORY, fault_of

WINDOWS_TEXTS = [
    # English, German and French Windows; an old runtime, and none at all
    "DLL load failed while importing onnxruntime_pybind11_state: A dynamic link library (DLL) "
    "initialization routine failed.",
    "DLL load failed while importing onnxruntime_pybind11_state: Eine DLL-Initialisierungsroutine "
    "ist fehlgeschlagen.",
    "DLL load failed while importing onnxruntime_pybind11_state: Le module spécifié est "
    "introuvable.",
    "DLL load failed while importing onnxruntime_pybind11_state: The specified module could not "
    "be found.",
]
TEXTS = [
    (
        "scipy",
        ImportError("libgfortran.so.5: cannot open shared object file: No such file or directory"),
        ["libgfortran.so.5 is missing on this computer", "package manager"],
    ),
    (
        "soundfile",
        OSError(
            "cannot load library 'libsndfile.so': libsndfile.so: cannot open shared object file: "
            "No such file or directory"
        ),
        ["libsndfile.so is missing on this computer"],
    ),
    (
        "onnxruntime",
        ImportError(
            "libonnxruntime.so.1: cannot open shared object file: No such file or directory"
        ),
        ["its file libonnxruntime.so.1 is missing", "Install Facewright again"],
    ),
    (
        "onnxruntime",
        ImportError(
            "dlopen(/a/b.so, 0x0002): Library not loaded: @rpath/libomp.dylib\n"
            "  Referenced from: <4C4C> /a/b.so\n  Reason: tried: '/a/libomp.dylib' (no such file)"
        ),
        ["libomp.dylib is missing on this computer"],
    ),
    (
        "onnxruntime",
        ImportError(
            "/lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.34' not found (required by /a/b.so)"
        ),
        ["too old", "GLIBC_2.34"],
    ),
    (
        "scipy",
        ImportError(
            "/lib/libstdc++.so.6: version `GLIBCXX_3.4.32' not found (required by /a/b.so)"
        ),
        ["too old", "GLIBCXX_3.4.32"],
    ),
    (
        "onnxruntime",
        ImportError("dlopen(/a/b.so, 0x0002): Symbol not found: __ZNSt3__1verbose_abort"),
        ["too old", "__ZNSt3__1verbose_abort"],
    ),
    (
        "onnxruntime",
        ImportError("/a/b.so: failed to map segment from shared object"),
        ["must not hold programs"],
    ),
    (
        "scipy",
        ImportError("numpy.core.multiarray failed to import"),
        [f"beside numpy {np.__version__}", "Another extension may have replaced it"],
    ),
    (
        "scipy",
        ModuleNotFoundError("No module named 'scipy'", name="scipy"),
        ["scipy is missing", "Install Facewright again"],
    ),
    (
        "scipy",
        ModuleNotFoundError("No module named 'numpy.char2'", name="numpy.char2"),
        ["Another extension may have replaced it"],
    ),
]


@pytest.mark.parametrize("text", WINDOWS_TEXTS)
def test_the_trap_of_the_windows_runtime_is_told_with_the_way_out(text: str) -> None:
    sentence = explain("onnxruntime", ImportError(text))
    assert "onnxruntime could not start" in sentence
    assert "Microsoft Visual C++ Redistributable (x64)" in sentence
    assert "https://aka.ms/vs/17/release/vc_redist.x64.exe" in sentence
    assert "restart Blender" in sentence


@pytest.mark.parametrize(("package", "error", "parts"), TEXTS)
def test_what_the_loaders_say_becomes_a_sentence(
    package: str, error: Exception, parts: list[str]
) -> None:
    sentence = explain(package, error)
    assert "\n" not in sentence
    for part in (package, *parts):
        assert part in sentence


@pytest.mark.parametrize("text", WINDOWS_TEXTS[1:3])
def test_a_worker_with_a_broken_package_lives_and_says_so(
    make: Any, tmp_path: Path, text: str
) -> None:
    folder = broken(tmp_path, "onnxruntime", f"raise ImportError({text!r})")
    worker = make.ready(wheels_folder=folder)
    problem = worker.hello["problems"]["onnxruntime"]
    assert "Visual C++ Redistributable" in problem
    for job in ("animate", "allocate", "devices", "session_open"):
        refused = worker.submit(job, {})
        make.finish(worker, refused)
        assert (refused.kind, refused.error) == ("user", problem)
    probe = worker.submit("probe", {"voice": {"path": str(tmp_path / "no.wav")}})
    make.finish(worker, probe)
    assert "no.wav" in probe.error


@pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("gcc") is None, reason="needs Linux and gcc"
)
def test_a_shared_library_that_is_really_missing(make: Any, tmp_path: Path) -> None:
    (tmp_path / "inner.c").write_text("int inner(void) { return 1; }\n")
    (tmp_path / "outer.c").write_text("int inner(void);\nint outer(void) { return inner(); }\n")
    folder = broken(tmp_path, "onnxruntime", "from . import outer")
    inner = tmp_path / "libneeded_by_outer.so"
    compile_shared(tmp_path / "inner.c", inner)
    target = Path(folder) / "onnxruntime" / "outer.so"
    compile_shared(tmp_path / "outer.c", target, f"-L{tmp_path}", "-lneeded_by_outer")
    inner.unlink()
    worker = make.ready(wheels_folder=folder)
    problem = worker.hello["problems"]["onnxruntime"]
    assert "libneeded_by_outer.so is missing on this computer" in problem


def broken(tmp_path: Path, package: str, line: str) -> str:
    """A folder of packages in which one does not work."""
    folder = tmp_path / "wheels"
    (folder / package).mkdir(parents=True)
    (folder / package / "__init__.py").write_text(line + "\n", encoding="utf-8")
    return str(folder)


def compile_shared(source: Path, target: Path, *options: str) -> None:
    command = ["gcc", "-shared", "-fPIC", "-o", str(target), str(source), *options]
    subprocess.run(command, check=True, timeout=60, capture_output=True)


# ---- versions


def test_versions_that_are_not_ours_are_noticed() -> None:
    import scipy

    report = describe({"scipy": "0.1", "numpy": np.__version__, "no_such_package": "1"})
    (notice,) = report["notices"]
    assert f"scipy {scipy.__version__} is used" in notice
    assert "came with 0.1" in notice
    assert "Another extension may have replaced it" in notice
    assert report["problems"] == {}
    assert describe({"scipy": scipy.__version__})["notices"] == []
    assert describe()["notices"] == []


def test_a_replaced_package_is_a_notice_not_an_error(make: Any) -> None:
    worker = make.ready(versions={"soundfile": "0.0.1"})
    assert "soundfile" in worker.hello["notices"][0]
    assert worker.hello["problems"] == {}


def test_an_extra_folder_goes_before_the_wheels(make: Any, tmp_path: Path) -> None:
    wheels = broken(tmp_path, "soundfile", "raise ImportError('the wheels')")
    extra = broken(tmp_path / "extra", "soundfile", "__version__ = 'of the runtime'")
    worker = make.ready(wheels_folder=wheels, extra_folders=[extra])
    assert worker.hello["soundfile"]["version"] == "of the runtime"


def test_shipped_versions_are_those_of_this_python(tmp_path: Path) -> None:
    this = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    for name in (
        f"scipy-1.2.3-{this}-{this}-manylinux_2_28_x86_64.whl",
        "scipy-9.9.9-cp27-cp27m-win_amd64.whl",
        f"onnxruntime-4.5.6-{this}-{this}-win_amd64.whl",
        "protobuf-7.8.9-cp310-abi3-win_amd64.whl",
        "soundfile-0.1.2-py2.py3-none-win_amd64.whl",
        "not a wheel.whl",
    ):
        (tmp_path / name).touch()
    assert shipped_versions(tmp_path) == {
        "scipy": "1.2.3",
        "onnxruntime": "4.5.6",
        "protobuf": "7.8.9",
        "soundfile": "0.1.2",
    }
    assert shipped_versions(tmp_path / "nowhere") == {}


# ---- memory


@pytest.mark.parametrize(
    ("said", "device", "text"),
    [
        ("CUDA failure 2: out of memory ; GPU=0", "cuda", NO_DEVICE_MEMORY),
        ("CUDA failure 2: out of memory ; GPU=0", "auto", NO_DEVICE_MEMORY),
        ("CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED", "cuda", NO_DEVICE_MEMORY),
        (
            "BFCArena::AllocateRawInternal Failed to allocate memory for requested buffer of size"
            " 4294967296",
            "tensorrt",
            NO_DEVICE_MEMORY,
        ),
        ("Failed to allocate memory for requested buffer of size 4294967296", "cpu", NO_MEMORY),
        ("std::bad_alloc", "", NO_MEMORY),
        ("DmlFusedNode failed: 8007000E Not enough memory", "directml", NO_DEVICE_MEMORY),
    ],
)
def test_a_lack_of_memory_is_told_with_the_way_out(said: str, device: str, text: str) -> None:
    """Also when the engine has put it into a sentence of its own."""
    from facewright.core.errors import UserError

    plain = fault_of(RuntimeError(said), "animate", device)
    assert (plain.kind, plain.text) == ("user", text)
    wrapped = UserError(f"The network a.onnx failed: {said}.")
    wrapped.__cause__ = RuntimeError(said)
    assert fault_of(wrapped, "animate", device).text == text


def test_a_file_called_out_of_memory_is_not_a_lack_of_memory() -> None:
    from facewright.core.errors import UserError

    fault = fault_of(UserError("out of memory.wav does not exist."), "animate", "cuda")
    assert fault.text == "out of memory.wav does not exist."
