# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re

import numpy as np
import pytest
import stubs
from facewright.core import naming
from facewright.core.naming import ARKIT_NAMES, CANONICAL_NAMES, TONGUE_NAMES, match, normalise


def snake(name):
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)


STYLES = {
    "as they are": lambda n: n,
    "lower case": str.lower,
    "upper case": str.upper,
    "first letter large": lambda n: n[0].upper() + n[1:],
    "snake": lambda n: snake(n).lower(),
    "words": lambda n: snake(n).replace("_", " "),
    "dashes": lambda n: snake(n).replace("_", "-"),
    "_L": lambda n: re.sub("Left$", "_L", re.sub("Right$", "_R", n)),
    ".l": lambda n: re.sub("Left$", ".l", re.sub("Right$", ".r", n)),
    "L": lambda n: re.sub("Left$", "L", re.sub("Right$", "R", n)),
    "UPPER_L": lambda n: re.sub("LEFT$", "_L", re.sub("RIGHT$", "_R", n.upper())),
    "maya": lambda n: "blendShape2." + re.sub("Left$", "_L", re.sub("Right$", "_R", n)),
    "numbered": lambda n: "A07_" + snake(n).title(),
    "namespace": lambda n: f"hero:head|{n}",
    "arkit prefix": lambda n: f"ARKit_{n}",
    "side in front": lambda n: re.sub(r"^(.*)(Left|Right)$", r"\2_\1", n),
}


def test_names_are_the_published_ones():
    assert stubs.arkit_names() == ARKIT_NAMES
    assert stubs.TONGUE_NAMES == TONGUE_NAMES
    assert len(set(CANONICAL_NAMES)) == 68


def test_normal_forms_are_all_different():
    assert len({normalise(name) for name in CANONICAL_NAMES}) == 68


@pytest.mark.parametrize("style", STYLES)
def test_every_spelling_of_every_name_is_recognised(style):
    keys = {name: STYLES[style](name) for name in CANONICAL_NAMES}
    found = match(CANONICAL_NAMES, ["Basis", *keys.values(), "MyOwnShape"])
    assert found.unmatched_wanted == ()
    assert found.unmatched_available == ("Basis", "MyOwnShape")
    assert {name: (key,) for name, key in keys.items()} == found.pairs


def test_what_matches_nothing_is_listed_in_order():
    found = match(("jawOpen", "cheekPuff", "tongueOut"), ["zeta", "JawOpen", "alpha"])
    assert found.pairs == {"jawOpen": ("JawOpen",)}
    assert found.unmatched_wanted == ("cheekPuff", "tongueOut")
    assert found.unmatched_available == ("zeta", "alpha")


def test_of_doubles_the_nearest_spelling_wins_whatever_the_order():
    keys = ["jaw_open", "JAWOPEN", "jawOpen.001", "jawOpen"]
    for order in (keys, keys[::-1]):
        found = match(("jawOpen",), order)
        assert found.pairs == {"jawOpen": ("jawOpen",)}
        assert set(found.unmatched_available) == set(keys) - {"jawOpen"}
    assert match(("jawOpen",), keys[:3]).pairs == {"jawOpen": ("JAWOPEN",)}
    assert match(("jawOpen",), ["jaw_open", "Jaw.Open"]).pairs == {"jawOpen": ("jaw_open",)}


def test_one_key_for_both_eyes_is_driven_by_the_mean_of_both():
    found = match(CANONICAL_NAMES, ["eyeBlink", "mouthSmile", "jawOpen"])
    assert found.sources()["eyeBlink"] == ("eyeBlinkLeft", "eyeBlinkRight")
    assert found.sources()["mouthSmile"] == ("mouthSmileLeft", "mouthSmileRight")
    weights = np.zeros((2, 68), np.float32)
    weights[1, ARKIT_NAMES.index("eyeBlinkLeft")] = 1.0
    weights[:, ARKIT_NAMES.index("jawOpen")] = 0.25
    names, values = naming.retarget(found, CANONICAL_NAMES, weights)
    assert dict(zip(names, values.T.tolist(), strict=True)) == {
        "eyeBlink": [0.0, 0.5], "mouthSmile": [0.0, 0.0], "jawOpen": [0.25, 0.25],
    }  # fmt: skip
    assert values.dtype == np.float32


def test_keys_for_one_side_go_before_one_for_both():
    found = match(CANONICAL_NAMES, ["eyeBlink", "eyeBlink_L", "eyeBlink_R"])
    assert found.pairs == {"eyeBlinkLeft": ("eyeBlink_L",), "eyeBlinkRight": ("eyeBlink_R",)}
    assert found.unmatched_available == ("eyeBlink",)


def test_a_pose_without_sides_drives_both_halves_of_it():
    found = match(CANONICAL_NAMES, ["browInnerUp_L", "browInnerUp_R", "cheekPuffLeft"])
    assert found.pairs == {
        "browInnerUp": ("browInnerUp_L", "browInnerUp_R"), "cheekPuff": ("cheekPuffLeft",),
    }  # fmt: skip


def test_directions_are_no_sides():
    found = match(CANONICAL_NAMES, ["jaw", "mouth", "tongue", "tongueTip", "tongueRoll"])
    assert found.pairs == {}
    assert match(CANONICAL_NAMES, ["jaw_L"]).pairs == {"jawLeft": ("jaw_L",)}


def test_hostile_names_are_just_unmatched():
    keys = ["", " ", "___", ".001", "left", "L", ":", "|", "💥", "a" * 10_000, "blendShape2."]
    assert match(CANONICAL_NAMES, keys).pairs == {}
