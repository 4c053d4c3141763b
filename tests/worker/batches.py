# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of batches share: voices good and bad, and running the command as people do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BATCH = str(ROOT / "worker" / "batch.py")
LIMIT_S = 60


def command(*words: Any) -> list[str]:
    return [sys.executable, BATCH, *(str(word) for word in words)]


class Ran:
    """A run of the command: exit code, results by output, and all that was said."""

    def __init__(self, *words: Any, shell: str = "") -> None:
        words_ = command(*words)
        if shell:  # such as "ulimit -f 8"
            words_ = ["sh", "-c", f'{shell}; exec "$@"', "sh", *words_]
        done = subprocess.run(words_, capture_output=True, timeout=LIMIT_S, check=False)
        self.code = done.returncode
        self.out = done.stdout.decode("utf-8")
        self.err = done.stderr.decode("utf-8")
        self.results = results(self.out)

    def states(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for result in self.results.values():
            found[result["state"]] = found.get(result["state"], 0) + 1
        return found


def results(text: str) -> dict[str, dict[str, Any]]:
    """Results by output; no row is told twice."""
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    found = {line["output"]: line for line in lines}
    assert len(found) == len(lines)
    return found


def files_of(folder: Path) -> dict[str, bytes]:
    """What a batch made, by name: all files but its own records and the log."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and ".facewright" not in path.relative_to(folder).parts
        and path.name != "report.jsonl"
    }


def leftovers(folder: Path) -> list[str]:
    """Files that were begun and not ended."""
    found = [path for path in folder.rglob("*") if ".part" in path.name]
    return [str(path) for path in [*found, *(folder / ".facewright" / "work").iterdir()]]


def bad_voices(stubs: ModuleType, folder: Path) -> dict[str, str]:
    """Ten voices of the table of faults: name of the file and what is said of it."""
    contents = {
        "empty.wav": (b"", "is empty"),
        "riff only.wav": (b"RIFF", "cannot be read as sound"),
        "mp3 in.wav": (stubs.wav_head(400, kind=0x55) + b"\xff\xfb\x90\x64" * 100, "mp3 in.wav"),
        "no frames.wav": (stubs.wav_head(0), "holds no sound"),
        "fast.wav": (stubs.wav_head(64, rate=2147483647) + bytes(64), "samples per second"),
        "slow.wav": (stubs.wav_head(64, rate=3999) + bytes(64), "4000 to 768000"),
        "no channels.wav": (stubs.wav_head(4, channels=0) + b"1234", "cannot be read"),
        "これは音ではない.wav": ("これは音ではない".encode() * 50, "cannot be read as sound"),
    }
    for name, (content, _says) in contents.items():
        (folder / name).write_bytes(content)
    (folder / "folder.wav").mkdir()
    says = {name: text for name, (_content, text) in contents.items()}
    return {**says, "folder.wav": "is a folder", "missing.wav": "does not exist"}


def write_manifest(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")
    return path
