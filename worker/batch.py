# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches without Blender, started by file path: ``python worker/batch.py --help``."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import runpy
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main(words: list[str]) -> int:
    """Run the command; returns its exit code."""
    # Python puts this folder first, where modules of ours would hide others of the same name
    sys.path[:] = [path for path in sys.path if not path or Path(path).resolve() != HERE]
    if importlib.util.find_spec("numpy") is None:  # Blender's Python has its own
        parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
        parser.add_argument("--packages", action="append", default=[])
        found, _others = parser.parse_known_args(words)
        sys.path += [os.path.abspath(folder) for folder in found.packages]
        if importlib.util.find_spec("numpy") is None:
            sys.stderr.write(
                f"Error: {sys.executable} has no numpy. Use Blender's own Python, or one into which"
                " numpy, scipy, onnxruntime and soundfile were installed, or name a folder that"
                " holds them with --packages.\n"
            )
            return 1
    package = runpy.run_path(str(HERE / "bootstrap.py"))["load_package"]()
    command = importlib.import_module(f"{package.__name__}.worker.batch_command")
    code: int = command.run(words)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
