# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the benchmarks, each in a process of its own, and gathers their figures."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Dict, Optional

from . import envs, extension
from .console import Failure, say
from .places import ROOT

FOLDER = ROOT / "benchmarks"
LIMIT_S = 3600


def bench(name: Optional[str], target: Optional[str]) -> int:
    """Run one benchmark or all; the figures come as one flat JSON object."""
    known = sorted(path.stem for path in FOLDER.glob("[!_]*.py"))
    if name and name not in known:
        raise Failure(f"There is no benchmark {name}.", "Known are: " + ", ".join(known))
    figures: Dict[str, float] = {}
    for one in [name] if name else known:
        for key, value in _measure(one).items():
            figures[f"{one}_{key}"] = value
            say(f"{one}_{key}: {value:.6g}")
    if not figures:
        raise Failure("There are no benchmarks.")
    if target:
        text = json.dumps(figures, indent=1, sort_keys=True)
        Path(target).write_text(text + "\n", encoding="utf-8")
    return 0


def _measure(name: str) -> Dict[str, float]:
    text = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    asked = re.search(r'(?m)^ENVIRONMENT = "(\w+)"', text)
    env = asked.group(1) if asked else "core"
    python = envs.ensure(env)
    extra = {}
    if env.startswith("bpy"):
        extra["FACEWRIGHT_ZIP"] = str(extension.build_here(env))
    else:
        extension.build_head()
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "figures.json"
        command = [str(python), str(FOLDER), name, str(target)]
        environ = envs.clean_environ(**extra)
        code = subprocess.call(command, cwd=str(ROOT), env=environ, timeout=LIMIT_S)
        if code != 0 or not target.exists():
            raise Failure(f"The benchmark {name} ended with exit code {code}.")
        figures: Dict[str, float] = json.loads(target.read_text(encoding="utf-8"))
    return figures
