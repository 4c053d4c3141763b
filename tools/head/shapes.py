# SPDX-License-Identifier: GPL-3.0-or-later
"""The 52 skin shapes: repaired, made symmetric, strengthened, and closed where lips must meet."""

from __future__ import annotations

import numpy as np

from .basemesh import BaseMesh
from .lids import fit_blink
from .lips import Lips, fix_contacts
from .names import ARKIT, UPPER_FACE, mirror_of
from .skin import ROUNDING_CM, Skin
from .topology import MIRROR, Floats, smooth

# How much stronger than in the source, compared with what riggers expect of these names.
GAINS = {
    "noseSneer": 2.2,
    "browOuterUp": 1.6,
    "mouthRollLower": 1.5,
    "mouthShrugLower": 1.5,
    "mouthUpperUp": 1.4,
    "browInnerUp": 1.5,
    "mouthFunnel": 1.2,
    "mouthStretch": 1.3,
    "cheekPuff": 1.6,
    "cheekSquint": 1.5,
}
# The source frowns along with the sneer: keep this much of it above the eyes.
SNEER_BROW_SHARE = 0.2
# Shapes whose cheek folds are too hard for a face without wrinkles, and rounds of smoothing.
SOFT_CHEEKS = {"mouthSmile": 14, "cheekPuff": 16, "mouthDimple": 6, "mouthStretch": 4}
Shapes = dict[str, Floats]


def build(base: BaseMesh, skin: Skin, lips: Lips) -> Shapes:
    """All 52 shapes as displacements (V, 3) in cm, in the field's order."""
    shapes = {name: base.shapes[name][skin.source] for name in ARKIT}
    shapes = _symmetric(shapes, skin)
    shapes = {name: _polish(moves, skin) for name, moves in shapes.items()}
    _leave_mouth_alone(shapes, skin)
    for name in shapes:
        stem = name.removesuffix("Left").removesuffix("Right")
        moves = _soften_cheeks(shapes[name], skin, SOFT_CHEEKS.get(stem, 0))
        shapes[name] = moves * GAINS.get(stem, 1.0)
    _calm_sneer(shapes, skin)
    _rebuild_press(shapes, skin)
    shapes["eyeBlinkLeft"] = fit_blink(shapes["eyeBlinkLeft"], skin, lips.limit)
    shapes["eyeBlinkRight"] = shapes["eyeBlinkLeft"][skin.mirror] * MIRROR
    fix_contacts(shapes, lips, left_share(skin.points[:, 0]))
    return _symmetric(shapes, skin)


def _symmetric(shapes: Shapes, skin: Skin) -> Shapes:
    """Left shape = mirrored right shape; a centre shape = its own mirror image."""
    return {
        name: (moves + shapes[mirror_of(name)][skin.mirror] * MIRROR) / 2
        for name, moves in shapes.items()
    }


def _leave_mouth_alone(shapes: Shapes, skin: Skin) -> None:
    """Lids, brows, nose and cheek squint do not reach into the mouth."""
    for name in UPPER_FACE:
        shapes[name][skin.mouth] = 0


def _polish(moves: Floats, skin: Skin) -> Floats:
    """Remove the source's rounding steps; what does not move stays exactly still."""
    still = ~skin.around.grow(np.abs(moves).max(axis=1) > 0)
    return smooth(moves, skin.around, ROUNDING_CM, fixed=still)


def _soften_cheeks(moves: Floats, skin: Skin, rounds: int) -> Floats:
    """Spread hard folds beside the mouth; lips, lids and the mouth's inside keep their motion."""
    lips = skin.mouth.copy()
    lips[skin.loops["skin"]] = True
    share = np.clip((skin.around.distance(lips) - 1) / 4.0, 0, 1)[:, None]
    share[skin.mouth] = 0
    for _ in range(rounds):
        moves = moves + 0.6 * share * (skin.around.mean(moves) - moves)
    return moves


def _calm_sneer(shapes: Shapes, skin: Skin) -> None:
    """noseSneer wrinkles the nose; the frown is browDown's business."""
    bridge = skin.points[skin.points[:, 2].argmax(), 1] + 3.2
    above = np.clip((skin.points[:, 1] - bridge) / 1.6, 0, 1)
    share = 1 - (1 - SNEER_BROW_SHARE) * above * above * (3 - 2 * above)
    for side in ("Left", "Right"):
        shapes[f"noseSneer{side}"] = share[:, None] * shapes[f"noseSneer{side}"]


def _rebuild_press(shapes: Shapes, skin: Skin) -> None:
    """Lips pressed together, not a smirk: half of each roll per side and a little of the source."""
    left = left_share(skin.points[:, 0])
    for side, share in (("Left", left), ("Right", 1 - left)):
        roll = 0.28 * shapes["mouthRollUpper"] + 0.22 * shapes["mouthRollLower"]
        name = f"mouthPress{side}"
        shapes[name] = 0.3 * shapes[name] + 2 * share[:, None] * roll


def left_share(x: Floats, width: float = 1.2) -> Floats:
    """1 on the character's left (+x), 0 on the right, smooth over the middle; halves sum to 1."""
    t = np.clip(0.5 + x / (2 * width), 0, 1)
    return t * t * (3 - 2 * t)
