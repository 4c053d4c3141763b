# SPDX-License-Identifier: GPL-3.0-or-later
"""The hard targets of `transfer_pictures` with all their shapes.

``python tools/pictures/transfer_results.py FOLDER`` runs where scipy is: it reads ``few.npz``, a
face of few vertices, and writes one archive for each target.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from facewright.benchmarks.retarget_truth.chain import Result

ROOT = Path(__file__).resolve().parents[2]
FEW = "few.npz"


def main(folder: Path) -> None:
    """Write the archives ``sample_target``, ``large_eyes``, ``no_nose`` and ``low_poly``."""
    from facewright.benchmarks.retarget_truth import hard
    from facewright.benchmarks.retarget_truth.chain import Chain
    from facewright.benchmarks.retarget_truth.truth import picked
    from facewright.core.head import load_head
    from facewright.core.naming import ARKIT_NAMES
    from facewright.core.retarget.mesh import Mesh
    from facewright.core.sample_target import load_sample_target

    head = load_head(ROOT / "assets" / "head.npz")
    sample = load_sample_target(ROOT / "assets" / "sample_target.npz")
    chain, face = Chain(head, ARKIT_NAMES), hard.other_face(head)
    with np.load(folder / FEW) as arrays:
        few = Mesh.of(arrays["points"], arrays["triangles"])
    own = hard.own_face(head)
    normals = own.mesh.normals[own.pairs.corners[:, 0]]
    pairs = picked(few, own.pairs.on(own.mesh.points), normals)
    targets = {
        "sample_target": hard.sample(sample),
        "large_eyes": hard.with_large_eyes(face),
        "no_nose": hard.without_nose(face),
        "low_poly": hard.Target(few, pairs, own.parts),
    }
    for name, target in targets.items():
        _write(folder / f"{name}.npz", chain(target))


def _write(path: Path, result: Result) -> None:
    target = result.target
    middle = (target.at("Nose root") + target.at("Chin")) / 2
    arrays = {"middle": middle}
    meshes = {"skin": target.mesh, **target.parts}
    for name, mesh in meshes.items():
        moves = result.moves if name == "skin" else result.part(name)
        arrays[f"{name}/points"] = mesh.points
        arrays[f"{name}/names"] = np.array(list(moves), "U")
        arrays[f"{name}/moves"] = np.array(list(moves.values()), np.float32)
    np.savez(path, **arrays)


if __name__ == "__main__":
    runpy.run_path(str(ROOT / "worker" / "bootstrap.py"))["load_package"]()
    main(Path(sys.argv[1]))
