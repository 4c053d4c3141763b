# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of objects and bones as well-known programs give them."""

from __future__ import annotations

import pytest
from facewright.core.part_names import best_bones, bone_part, object_part

OBJECTS = {
    "tongue": ["Tongue", "CC_Base_Tongue", "Human.tongue01", "tongue_mesh.001", "舌"],
    "lower_denture": ["teeth_lower", "LowerTeeth", "Teeth.B", "lower_denture", "Jaw", "gums_low"],
    "eye_left": ["eye_L", "Eye.L", "EyeLeft", "LeftEye", "lEye", "Anna Eyeball.L", "左目"],
    "eye_right": ["eye.R", "RightEye", "EyeRight.001", "righteye", "R_Eye", "右目"],
    "": ["eyes", "Eyelashes_L", "eyebrow.L", "UpperTeeth", "Teeth.T", "Wolf3D_Head", "EyeLid_L",
         "CC_Base_Eye", "CC_Base_Teeth", "EyeOcclusion_L", "Face", "Glass_Eye_L", "Tear_Eye_L"],
}  # fmt: skip

RIGS = {
    "rigify": (
        ["ORG-eye.L", "eye.L", "eye.R", "eyes", "master_eye.L", "master_eye.R", "lid.T.L",
         "jaw", "jaw.L", "DEF-jaw", "MCH-jaw_master", "jaw_master", "teeth.B", "ORG-head", "head"],
        ("jaw_master", "master_eye.L", "master_eye.R", "head"),
    ),
    "mixamo, ready player me": (
        ["mixamorig:Head", "mixamorig:HeadTop_End", "LeftEye", "RightEye", "LeftEye_end"],
        (None, "LeftEye", "RightEye", "mixamorig:Head"),
    ),
    "character creator": (
        ["CC_Base_Head", "CC_Base_UpperJaw", "CC_Base_JawRoot", "CC_Base_L_Eye", "CC_Base_R_Eye",
         "CC_Base_Tongue01"],
        ("CC_Base_JawRoot", "CC_Base_L_Eye", "CC_Base_R_Eye", "CC_Base_Head"),
    ),
    "daz": (
        ["head", "lowerJaw", "lEye", "rEye", "lEyelidInner", "upperTeeth", "lowerTeeth"],
        ("lowerJaw", "lEye", "rEye", "head"),
    ),
    "vrm": (
        ["J_Bip_C_Head", "J_Adj_L_FaceEye", "J_Adj_R_FaceEye"],
        (None, "J_Adj_L_FaceEye", "J_Adj_R_FaceEye", "J_Bip_C_Head"),
    ),
    "metahuman": (
        ["head", "FACIAL_C_Jaw", "FACIAL_L_EyelidUpperA", "FACIAL_L_Eye", "FACIAL_R_Eye",
         "FACIAL_L_EyeParallel", "FACIAL_C_LowerJawline"],
        ("FACIAL_C_Jaw", "FACIAL_L_Eye", "FACIAL_R_Eye", "head"),
    ),
    "mmd": (["頭", "左目", "右目", "両目", "あご"], ("あご", "左目", "右目", "頭")),
    "makehuman": (["head", "jaw", "eye.L", "eye.R", "orbicularis03.L"],
                  ("jaw", "eye.L", "eye.R", "head")),
    "with a prefix": (["b_Head", "B_Jaw", "b_eye_L"], ("B_Jaw", "b_eye_L", None, "b_Head")),
    "no face": (["Hips", "Spine", "forehead", "LeftForeArm"], (None, None, None, None)),
}  # fmt: skip


@pytest.mark.parametrize(
    ("part", "name"), [(part, name) for part, names in OBJECTS.items() for name in names]
)
def test_objects(part: str, name: str) -> None:
    found = object_part(name)
    assert (found[0] if found else "") == part


@pytest.mark.parametrize("rig", RIGS)
def test_the_best_bones_of_well_known_rigs(rig: str) -> None:
    names, expected = RIGS[rig]
    for order in (names, names[::-1]):
        found = best_bones(order)
        got = tuple(found.get(part) for part in ("jaw", "eye_left", "eye_right", "head"))
        assert got == expected


def test_a_plain_name_leaves_no_doubt() -> None:
    assert bone_part("jaw") == ("jaw", 0)
    assert object_part("EyeLeft") == ("eye_left", 0)
