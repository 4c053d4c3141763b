# SPDX-License-Identifier: GPL-3.0-or-later
"""The built-in head's materials: one Principled shader each, good in solid view and in renders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import bpy

from . import versions

COLOUR_ATTRIBUTE = "Color"
# Marks our own materials, so that a second head shares them and an artist's stay untouched.
OWNER = "facewright_material"


@dataclass(frozen=True)
class Look:
    """One material: linear RGB for the solid view, shader inputs, and whether the mesh tints it.

    `pores` is the strength of a fine bump. Where a `stubbly` material is dark, it is rougher.
    """

    colour: tuple[float, float, float]
    tinted: bool = False
    inputs: Mapping[str, Any] = field(default_factory=dict)
    pores: float = 0.0
    stubbly: bool = False


_SKIN = {
    "Roughness": 0.48,
    "Specular IOR Level": 0.4,
    "Subsurface Weight": 0.12,
    "Subsurface Radius": (1.0, 0.35, 0.2),
    "Subsurface Scale": 0.004,
}
_PORES = 0.12
# Brightness of shaven and of bare skin, and the roughness and bump of shaven skin.
_STUBBLE_TO_SKIN = (0.15, 0.33)
_STUBBLE_ROUGHNESS, _STUBBLE_BUMP = 0.72, 0.5
_EYE = {"Roughness": 0.06, "Specular IOR Level": 0.6, "Coat Weight": 1.0, "Coat Roughness": 0.02}
_WET = {"Roughness": 0.3, "Specular IOR Level": 0.5}
_HAIR = {"Roughness": 0.65, "Specular IOR Level": 0.2}

LOOKS = {
    "skin": Look((0.76, 0.45, 0.33), True, _SKIN, pores=_PORES),
    "scalp": Look((0.76, 0.45, 0.33), True, _SKIN, pores=_PORES, stubbly=True),
    "mouth": Look((0.40, 0.115, 0.10), True, _WET),
    "sclera": Look((0.80, 0.78, 0.76), True, _EYE),
    "iris": Look((0.14, 0.24, 0.26), True, _EYE),
    "pupil": Look((0.003, 0.003, 0.003), True, _EYE),
    "teeth": Look((0.80, 0.76, 0.66), True, {"Roughness": 0.22, "Coat Weight": 0.3}),
    "gums": Look((0.45, 0.12, 0.11), True, _WET),
    "tongue": Look((0.47, 0.13, 0.12), True, _WET),
    "lashes": Look((0.012, 0.009, 0.008), False, _HAIR),
    "brows": Look((0.045, 0.027, 0.018), False, _HAIR),
    "hair": Look((0.06, 0.03, 0.017), True, {"Roughness": 0.42, "Specular IOR Level": 0.4}),
}


def material(name: str) -> bpy.types.Material:
    """The material of that name of the built-in head, made on first use."""
    title = f"Facewright {name.capitalize()}"
    for found in bpy.data.materials:
        if found.get(OWNER) == name and found.library is None:
            return found
    made = bpy.data.materials.new(title)
    made[OWNER] = name
    look = LOOKS[name]
    made.diffuse_color = (*look.colour, 1.0)
    made.roughness = float(look.inputs.get("Roughness", 0.5))
    _shade(made, look)
    return made


def _shade(made: bpy.types.Material, look: Look) -> None:
    tree = versions.node_tree(made)
    shader = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    shader.inputs["Base Color"].default_value = (*look.colour, 1.0)
    for name, value in look.inputs.items():
        if name in shader.inputs:
            shader.inputs[name].default_value = value
    tint = _add_tint(tree, shader) if look.tinted else None
    bump = _add_pores(tree, shader, look.pores) if look.pores else None
    if look.stubbly:
        _add_stubble(tree, shader, tint, bump)


def _add_tint(tree: Any, shader: Any) -> Any:
    tint = tree.nodes.new("ShaderNodeAttribute")
    tint.attribute_name = COLOUR_ATTRIBUTE
    tint.location = (shader.location[0] - 780, shader.location[1])
    tree.links.new(tint.outputs["Color"], shader.inputs["Base Color"])
    return tint


def _add_pores(tree: Any, shader: Any, strength: float) -> Any:
    """A fine bump that sticks to the skin: generated coordinates are those of the mesh at rest."""
    x, y = shader.location
    place = tree.nodes.new("ShaderNodeTexCoord")
    noise = tree.nodes.new("ShaderNodeTexNoise")
    noise.inputs["Scale"].default_value = 170.0
    noise.inputs["Detail"].default_value = 2.0
    bump = tree.nodes.new("ShaderNodeBump")
    bump.inputs["Strength"].default_value = strength
    bump.inputs["Distance"].default_value = 0.0006
    for step, node in enumerate((place, noise, bump)):
        node.location = (x - 780 + 240 * step, y - 620)
    tree.links.new(place.outputs["Generated"], noise.inputs["Vector"])
    tree.links.new(noise.outputs[0], bump.inputs["Height"])
    tree.links.new(bump.outputs["Normal"], shader.inputs["Normal"])
    return bump


def _add_stubble(tree: Any, shader: Any, tint: Any, bump: Any) -> None:
    """Let the tint's brightness drive roughness and bump, so that they fade with the hairline."""
    dark, bright = _STUBBLE_TO_SKIN
    plan = (
        (shader.inputs["Roughness"], _STUBBLE_ROUGHNESS),
        (bump.inputs["Strength"], _STUBBLE_BUMP),
    )
    for step, (socket, most) in enumerate(plan):
        node = tree.nodes.new("ShaderNodeMapRange")
        node.location = (shader.location[0] - 540, shader.location[1] - 60 - 260 * step)
        inputs = {"From Min": dark, "From Max": bright, "To Min": most}
        inputs["To Max"] = socket.default_value
        for name, value in inputs.items():
            node.inputs[name].default_value = value
        tree.links.new(tint.outputs["Color"], node.inputs["Value"])
        tree.links.new(node.outputs["Result"], socket)
