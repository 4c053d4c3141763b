# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's solver settings per pose: over the model's, checked by name."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from facewright.core.errors import UserError
from facewright.core.models.model import settings_for
from facewright.core.parameters import Settings
from facewright.core.solve import blendshape as solve
from facewright.core.solve.basis import pose_basis, sides_of
from facewright.core.solve.pose_table import PoseTable, RigOverrides, config_for

TABLE = PoseTable(
    active={"jawOpen": False, "tongueOut": True},
    cancel={"mouthLeft": 5, "mouthRight": 5},
    symmetry={"eyeBlinkLeft": 0, "eyeBlinkRight": 0},
    multipliers={"mouthClose": 0.2},
    offsets={"mouthClose": -0.1},
)


def test_an_empty_table_is_the_models_own_config(model):
    settings = settings_for(model, {})
    skin, tongue = model.skin_rig, model.tongue_rig
    assert config_for(skin, "skin", settings, PoseTable()) == skin.config
    assert config_for(tongue, "tongue", settings, PoseTable()) == tongue.config


def test_strengths_come_from_the_settings_of_the_rig(model):
    values = {"skin_regularization": 2.0, "skin_sparsity": 3.0, "skin_temporal": 0.5,
              "skin_symmetry": 7.0, "tongue_regularization": 9.0}  # fmt: skip
    settings = settings_for(model, values)
    skin = config_for(model.skin_rig, "skin", settings, PoseTable())
    assert (skin.l2, skin.l1, skin.temporal, skin.symmetry) == (2.0, 3.0, 0.5, 7.0)
    tongue = config_for(model.tongue_rig, "tongue", settings, PoseTable())
    assert (tongue.l2, tongue.l1) == (9.0, model.tongue_rig.config.l1)


def test_named_poses_are_changed_and_the_others_stay(model):
    rig = model.skin_rig
    config = config_for(rig, "skin", settings_for(model, {}), TABLE)
    at = rig.names.index
    assert not config.active[at("jawOpen")]
    assert config.active[at("tongueOut")]
    assert config.cancel_ids[at("mouthLeft")] == config.cancel_ids[at("mouthRight")] == 5
    assert sorted(set(config.cancel_ids)) == [-1, 5]
    assert config.symmetry_ids[at("eyeBlinkLeft")] == 0
    assert config.multipliers[at("mouthClose")] == 0.2
    assert config.offsets[at("mouthClose")] == -0.1
    others = [pose for pose, name in enumerate(rig.names) if name not in TABLE.active]
    assert [config.active[pose] for pose in others] == [rig.config.active[pose] for pose in others]


def test_names_may_be_in_any_case(model):
    table = PoseTable(active={"JAWOPEN": False})
    config = config_for(model.skin_rig, "skin", settings_for(model, {}), table)
    assert not config.active[model.skin_rig.names.index("jawOpen")]


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (PoseTable(active={"jawOpne": True}), "skin has no pose called 'jawOpne'.*eyeBlinkLeft"),
        (PoseTable(cancel={"jawOpen": 2}), "cancel pair 2 of the skin is on 1 poses .jawOpen"),
        (
            PoseTable(symmetry=dict.fromkeys(("mouthLeft", "mouthRight", "jawOpen"), 4)),
            "symmetry pair 4 of the skin is on 3 poses",
        ),
    ],
)
def test_tables_that_do_not_fit_the_rig_are_refused(model, table, says):
    with pytest.raises(UserError, match=says):
        config_for(model.skin_rig, "skin", settings_for(model, {}), table)


def test_some_pose_has_to_be_in_use(model):
    table = PoseTable(active=dict.fromkeys(model.skin_rig.names, False))
    with pytest.raises(UserError, match="No pose of the skin is in use"):
        config_for(model.skin_rig, "skin", settings_for(model, {}), table)


def test_tables_go_through_json():
    rigs = RigOverrides(skin=TABLE)
    text = json.dumps(rigs.to_mapping())
    assert RigOverrides.from_mapping(json.loads(text)) == rigs
    assert RigOverrides.from_mapping({}) == RigOverrides()
    assert json.loads(text)["tongue"] == {}


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([], "table of names and values"),
        ({"nose": {}}, "no rig called 'nose'"),
        ({"skin": {"use": {}}}, "skin's pose table has no column called 'use'"),
        ({"tongue": {"active": [1]}}, "tongue's pose table: active"),
        ({"skin": {"active": {"jawOpen": 2}}}, "2 is no value for active of the pose jawOpen"),
        ({"skin": {"cancel": {"jawOpen": 1.5}}}, "1.5 is no value for cancel"),
        ({"skin": {"cancel": {"jawOpen": -2}}}, "-2 is no value for cancel"),
        ({"skin": {"symmetry": {"jawOpen": True}}}, "True is no value for symmetry"),
        ({"skin": {"offsets": {"jawOpen": float("nan")}}}, "nan is no value for offsets"),
        ({"skin": {"multipliers": {"jawOpen": 1e9}}}, "no value for multipliers"),
        ({"skin": {"multipliers": {"jawOpen": "1"}}}, "'1' is no value for multipliers"),
    ],
)
def test_what_is_no_table_is_refused_by_name(values, says):
    with pytest.raises(UserError, match=says):
        RigOverrides.from_mapping(values)


@pytest.mark.parametrize("sdk", [False, True])
def test_a_pair_declared_as_cancelling_is_never_active_together(model, sdk):
    """On targets that want both of them, with pairs that overlap much."""
    rig = model.skin_rig
    pairs = {"jawOpen": 0, "mouthClose": 0, "mouthLeft": 1, "mouthRight": 1,
             "cheekPuff": 2, "mouthFunnel": 2}  # fmt: skip
    values = {"skin_regularization": 0.01, "skin_sparsity": 0.0}
    config = config_for(rig, "skin", Settings.from_mapping(values), PoseTable(cancel=pairs))
    basis = pose_basis(rig)
    solver = solve.prepare(basis, config, sdk)
    wanted = np.random.default_rng(0).uniform(0, 1, (200, 52))
    faces = rig.neutral + np.einsum("tp,pvx->tvx", wanted, rig.deltas)
    sides = sides_of(basis, faces.astype(np.float32))
    weights, _ = solve.solve_frames(solver, sides)
    free, _ = solve.solve_frames(dataclasses.replace(solver, cancel_pairs=()), sides)
    places = [int(np.flatnonzero(solver.active == rig.names.index(name))[0]) for name in pairs]
    for first, second in zip(places[::2], places[1::2], strict=True):
        both = np.minimum(weights[:, first], weights[:, second])
        assert both.max() <= 1e-10
        assert np.minimum(free[:, first], free[:, second]).max() > 0.05
