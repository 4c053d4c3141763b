# SPDX-License-Identifier: GPL-3.0-or-later
"""The Khronos glTF validator, in node: what it says of a file."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

_SCRIPT = """
const validator = require(process.argv[1] + "/node_modules/gltf-validator");
const bytes = new Uint8Array(require("fs").readFileSync(process.argv[2]));
validator.validateBytes(bytes).then(report => console.log(JSON.stringify(report)));
"""


def report_of(path: Path) -> Any:
    """The validator's report; skips the test, with the reason, where it could not be fetched."""
    node, packages = (
        os.environ.get(name) for name in ("FACEWRIGHT_NODE", "FACEWRIGHT_NODE_PACKAGES")
    )
    if not node or not packages:
        reason = os.environ.get("FACEWRIGHT_NO_NODE", "run it through 'tools/dev.py test' once")
        pytest.skip(f"the glTF validator is not here: {reason}")
    command = [node, "-e", _SCRIPT, packages, str(path)]
    done = subprocess.run(command, capture_output=True, timeout=120, check=True)
    return json.loads(done.stdout)
