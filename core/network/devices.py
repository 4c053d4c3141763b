# SPDX-License-Identifier: GPL-3.0-or-later
"""Which processor a network runs on, and opening it there.

ONNX Runtime goes on with the CPU when another processor cannot be used, with a warning on a
console that nobody reads. Here the session is asked where it really is: what was asked for and
not given becomes a notice for the user, and a processor that fails later is an error, never a
quiet change.
"""

from __future__ import annotations

import io
import os
import re
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ..errors import UserError
from .lanes import Spread, one_by_one

AUTO, CPU = "auto", "cpu"
_HINT = "Download the model again, or choose another."
_CUDA_BUILD = ("cuda", "tensorrt")
_LIBRARY = re.compile(r"Failed to load ([^:\s]+)")  # what the runtime prints of each one missing
_SOURCE_PLACE = re.compile(r"^\S+\.(?:cc|cpp|h):\d+ .*?\) ")  # before the runtime's own words
_SERIOUS = 3  # the runtime's log level: errors only
# One node, y = relu(x) of one number: opening it shows whether a processor can be used at all.
_TRIAL = bytes.fromhex(
    "08083a360a0c0a0178120179220452656c751204737475625a0f0a0178120a0a08080112040a02080162"
    "0f0a0179120a0a08080112040a0208014202100e"
)


@dataclass(frozen=True)
class _Kind:
    """A processor as ONNX Runtime knows it.

    ``memory`` is the runtime's word for its memory where arrays can be kept there between two
    runs; ``tested``: outputs were compared with the CPU's on such a machine.
    """

    label: str
    provider: str
    memory: str = "cpu"
    tested: bool = False


_KINDS: dict[str, _Kind] = {
    CPU: _Kind("CPU", "CPUExecutionProvider", tested=True),
    "cuda": _Kind("NVIDIA GPU (CUDA)", "CUDAExecutionProvider", "cuda"),
    "tensorrt": _Kind("NVIDIA GPU (TensorRT)", "TensorrtExecutionProvider", "cuda"),
    "coreml": _Kind("Apple (CoreML)", "CoreMLExecutionProvider"),
    "directml": _Kind("Windows GPU (DirectML)", "DmlExecutionProvider"),
}
DEVICE_NAMES: tuple[str, ...] = tuple(_KINDS)


@dataclass(frozen=True)
class DeviceInfo:
    """A processor that networks may run on.

    ``name`` as callers say it, ``label`` for people, ``provider`` ONNX Runtime's name for it
    ``usable``  a small network could be opened on it here; if not, ``reason`` says why
    ``tested``  its results were compared with the CPU's; if not, a list says "not tested"
    """

    name: str
    label: str
    provider: str
    usable: bool
    tested: bool
    reason: str = ""


@dataclass(frozen=True)
class OpenNetwork:
    """A network that is ready to run.

    ``session``  ONNX Runtime's session
    ``device``   where it really runs, one of ``DEVICE_NAMES``
    ``notices``  sentences for the user, for example that the processor asked for was not there
    ``clip``     session of the model's network for whole clips, None when the folder has none
    ``light``    whether it is so small that larger batches are faster
    ``spread``   how batches that do not need each other are gone through
    """

    session: Any
    device: str = CPU
    notices: tuple[str, ...] = ()
    clip: Any = None
    light: bool = False
    spread: Spread = one_by_one

    @property
    def memory(self) -> str:
        """ONNX Runtime's word for the memory in which arrays stay between two runs."""
        return _KINDS[self.device].memory


def label_of(device: str) -> str:
    """The processor's name for people; a name that is not known stays as it is."""
    return _KINDS[device].label if device in _KINDS else device


def default_threads() -> int:
    """Threads for the network when the caller does not say: those there are, at most four."""
    return max(1, min(4, os.cpu_count() or 1))


def user_cache() -> Path:
    """The user's own folder for what can be made again."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "facewright"


def engine_folder() -> Path:
    """Where TensorRT keeps the engines that it builds: the user's own cache."""
    return user_cache() / "engines"


@cache
def list_devices() -> tuple[DeviceInfo, ...]:
    """Every processor that there is a name for, usable here or not. Tried once per process.

    Only for the worker: it imports ONNX Runtime.
    """
    return tuple(_examined(name) for name in DEVICE_NAMES)


def resolve(device: str) -> str:
    """The processor's name for what a user asked for: ``auto`` is CUDA where usable, else the CPU.

    Raises UserError for a name that is not known.
    """
    if device == AUTO:
        usable = {info.name for info in list_devices() if info.usable}
        return "cuda" if "cuda" in usable else CPU
    if device not in _KINDS:
        raise UserError(
            f"There is no processor called {device!r}.",
            f"Choose one of {', '.join((AUTO, *DEVICE_NAMES))}.",
        )
    return device


def open_network(
    path: Path, device: str = CPU, threads: int = 0, engines: Path | None = None
) -> OpenNetwork:
    """Open a network file on a processor, or on the CPU with a notice that says why.

    ``threads`` for what runs on the CPU, 0 takes ``default_threads``. ``engines`` is TensorRT's
    cache, None takes ``engine_folder``; building an engine takes minutes the first time.
    Raises UserError for an unknown device, and when the file is no usable network.
    """
    wanted = resolve(device)
    if wanted == CPU:
        return _opened(path, CPU, threads, engines)
    info = next(info for info in list_devices() if info.name == wanted)
    reason = info.reason
    if info.usable:
        try:
            return _opened(path, wanted, threads, engines)
        except UserError as error:
            reason = error.message
    session = _opened(path, CPU, threads, engines).session
    return OpenNetwork(session, CPU, (_fallback(path, wanted, CPU, reason),))


def _fallback(path: Path, wanted: str, real: str, reason: str) -> str:
    name = f"{path.parent.name}/{path.name}"
    return f"{_KINDS[wanted].label} is not used, {name} runs on {_KINDS[real].label}: {reason}"


def _opened(path: Path, device: str, threads: int, engines: Path | None) -> OpenNetwork:
    try:
        session = _session(str(path), device, threads, engines)
    except Exception as error:  # the runtime's own exceptions share no public base
        raise UserError(f"The network {path} cannot be opened: {_said(error)}.", _HINT) from error
    running = session.get_providers()
    real = next((name for name in (device, "cuda") if _KINDS[name].provider in running), CPU)
    if real == device:
        return OpenNetwork(session, device)
    return OpenNetwork(session, real, (_fallback(path, device, real, _not_loaded(device)),))


def _session(source: str | bytes, device: str, threads: int, engines: Path | None) -> Any:
    """An inference session, without the runtime's own quiet ways back to the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or default_threads()
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = _SERIOUS
    if hasattr(options, "use_deterministic_compute"):
        options.use_deterministic_compute = True
    # Idle threads must not spin: Blender and the worker share the processor. Spinning within runs
    # would make them a tenth faster where nothing else works, half as fast where something does.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if device == "directml":
        options.enable_mem_pattern = False  # the provider does not work with it
    if device in _CUDA_BUILD:
        _missing_libraries()  # loads those that are there
    providers = _providers(device, engines)
    # 0 also keeps the constructor from trying again on the CPU and printing so.
    session = onnxruntime.InferenceSession(source, options, providers=providers, enable_fallback=0)
    session.disable_fallback()
    return session


def _providers(device: str, engines: Path | None) -> list[Any]:
    """What the runtime is to try, best first; the CPU takes the nodes that are left."""
    first: list[Any] = []
    if device == "tensorrt":
        first.append((_KINDS[device].provider, _tensorrt_options(engines)))
    if device in ("cuda", "tensorrt"):
        first.append((_KINDS["cuda"].provider, _cuda_options()))
    if device == "coreml":
        first.append((_KINDS[device].provider, {"ModelFormat": "MLProgram"}))
    if device == "directml":
        first.append((_KINDS[device].provider, {"device_id": "0"}))
    return [*first, _KINDS[CPU].provider]


def _cuda_options() -> dict[str, str]:
    return {
        "device_id": "0",
        # The default doubles the arena each time; a model then holds twice what it needs.
        "arena_extend_strategy": "kSameAsRequested",
        # The default tries every algorithm for every shape: slow to start, and not repeatable.
        "cudnn_conv_algo_search": "HEURISTIC",
        # TF32 keeps ten bits of the mantissa; results are to equal the CPU's.
        "use_tf32": "0",
    }


def _tensorrt_options(engines: Path | None) -> dict[str, str]:
    folder = engines or engine_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return {
        "device_id": "0",
        "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": str(folder),
        "trt_timing_cache_enable": "1",
        "trt_timing_cache_path": str(folder),
        "trt_fp16_enable": "0",
    }


def _examined(name: str) -> DeviceInfo:
    kind = _KINDS[name]
    reason = _obstacle(name)
    return DeviceInfo(name, kind.label, kind.provider, not reason, kind.tested, reason)


def _obstacle(name: str) -> str:
    """Why a processor cannot be used here, a sentence; empty when it can."""
    import onnxruntime

    kind = _KINDS[name]
    if kind.provider not in onnxruntime.get_available_providers():
        return f"this ONNX Runtime ({onnxruntime.__version__}) was built without it."
    try:
        session = _session(_TRIAL, name, 1, None)
    except Exception as error:  # a driver may raise anything
        return f"{_said(error)}."
    if kind.provider not in session.get_providers():
        return _not_loaded(name)
    return ""


def _not_loaded(device: str) -> str:
    """Why the runtime left a processor out that it was built for."""
    missing = _missing_libraries() if device in _CUDA_BUILD else ()
    if missing:
        return f"libraries are missing ({', '.join(missing)})."
    return "there is no such processor, or its libraries did not load."


@cache
def _missing_libraries() -> tuple[str, ...]:
    """Load CUDA's libraries from beside the runtime; names of those that are not there."""
    import onnxruntime

    if not hasattr(onnxruntime, "preload_dlls"):
        return ()
    with redirect_stdout(io.StringIO()) as said:  # it prints what it misses
        onnxruntime.preload_dlls()
    return tuple(dict.fromkeys(_LIBRARY.findall(said.getvalue())))


def _said(error: Exception) -> str:
    """First line of what the runtime said, short and without its full stop."""
    lines = str(error).strip().splitlines() or ["unknown reason"]
    return _SOURCE_PLACE.sub("", lines[0])[:200].rstrip(". ")
