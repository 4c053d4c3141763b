# SPDX-License-Identifier: GPL-3.0-or-later
"""The reader of USD's text form: what it has to understand, and what it has to refuse."""

from __future__ import annotations

import numpy as np
import pytest
from facewright.core.errors import UserError
from facewright.core.exchange import skel_clip
from facewright.core.exchange.usda import parse_usda

LAYER = """#usda 1.0
( "a comment"
    customLayerData = { dictionary a = { int b = 3; string "quoted key" = 'x "y"' } }
    timeCodesPerSecond = 30
    subLayers = [ @./other.usda@ (offset = 1), @@@b@c.usda@@@ ]
    doc = \"\"\"several
lines with } and "quotes\"\"\"
)
# a comment with { in it
over "World" ( prepend references = @./x.usda@</Prim> (offset = 2) )
{
    variantSet "v" = { "one" { def Mesh "M" { } } "two" ( x = 1 ) { } }
    reorder nameChildren = ["a", "b"]
    def SkelAnimation "Anim" (kind = "x") { /* block
        comment */
        custom uniform token [] blendShapes = ["a", 'b"c', ]
        float[] blendShapeWeights.timeSamples = { 0: [1, .5], -2.5: [1e-1, 2.], 7: None, }
        float[] blendShapeWeights (interpolation = "vertex")
        matrix4d m = ( (1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1) )
        half3[] scales = [(1, 1, 1), (2, 2, 2)]
        rel other = [ </a>, </b> ]
        asset file.timeSamples = { 0: @a.png@ }
        double inf_value = -inf
        add rel more = </c>
        color3f[] colors.connect = </d.e>
    }
}
"""


def test_the_forms_that_layers_use():
    root = parse_usda(LAYER.encode(), "layer")
    assert root.meta["timeCodesPerSecond"] == 30
    assert root.meta["customLayerData"]["a"]["b"] == 3
    assert root.meta["doc"] == 'several\nlines with } and "quotes'
    (prim,) = [prim for prim in root.walk() if prim.kind == "SkelAnimation"]
    values = prim.values
    assert values["blendShapes"] == ["a", 'b"c']
    times, rows = zip(*values["blendShapeWeights.timeSamples"], strict=True)
    assert times == (0, -2.5, 7)
    np.testing.assert_allclose(rows[1], [0.1, 2.0])
    assert rows[2] == "None"
    assert values["scales"].shape == (2, 3)
    assert values["other"] == ["</a>", "</b>"]
    assert [prim.name for prim in root.walk()] == ["", "World", "Anim"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("#usda 1.0\ndef Xform {", "no name"),
        ('#usda 1.0\ndef Xform "a" {', "ends inside of a prim"),
        ('#usda 1.0\ndef Xform "a" {\n int x = ', "line 3"),
        ('#usda 1.0\ndef Xform "a" {\n int x = [1, 2', "line 3"),
        ("#usda 1.0\n(", "ends inside of brackets"),
        ('#usda 1.0\ndef "a" { x.timeSamples = { a: 1 } }', "no time"),
        ('#usda 1.0\ndef "a" { float[] x = [1, 2e999] }', "too large"),
        ('#usda 1.0\ndef "a" { float[] x = [1 2] }', "something else"),
        ('#usda 1.0\ndef "a" { float3[] x = [(1, 2, 3), (1, 2)] }', "different lengths"),
        ("#usda 1.0\n\x00", "makes no sense"),
        ("#usda 1.0\n" + 'def "a" {' * 500, "nested too deeply"),
        ('#usda 1.0\ndef "a" { x = ' + "[" * 500, "nested too deeply"),
        ("PXR-USDC", "does not begin with #usda"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_line(text, says):
    with pytest.raises(UserError, match=f"layer.*{says}"):
        parse_usda(text.encode(), "layer")


def test_a_layer_that_is_no_utf_8_is_refused():
    with pytest.raises(UserError, match="not UTF-8"):
        parse_usda(b"#usda 1.0\n\xff", "layer")


ANIM = """#usda 1.0
( timeCodesPerSecond = {rate} )
def SkelAnimation "A"
{{
    uniform token[] blendShapes = {names}
    float[] blendShapeWeights.timeSamples = {{ {samples} }}
}}
"""


@pytest.mark.parametrize(
    ("names", "samples", "rate", "says"),
    [
        ("[]", "0: []", 30, "no blend shape weights"),
        ('["a", "a"]', "0: [1, 1]", 30, "twice"),
        ("[1, 2]", "0: [1, 1]", 30, "list of names"),
        ('["a", "b"]', "0: [1]", 30, "2 numbers"),
        ('["a"]', "0: None", 30, "1 numbers"),
        ('["a"]', '0: ["x"]', 30, "1 numbers"),
        ('["a"]', "0: [1e30]", 30, "1 numbers"),
        ('["a"]', "", 30, "no frames"),
        ('["a"]', "0: [1], 0: [2]", 30, "order of time"),
        ('["a"]', "0: [1]", 0, "timeCodesPerSecond"),
        ('["a"]', "0: [1]", '"x"', "timeCodesPerSecond"),
        ('["a"]', "0: [1], 1: [1]", 99999, "frames per second"),
        ('["a"]', "0: [1], 1: [1], 5e9: [1]", 30, "too long"),
    ],
)
def test_animations_that_make_no_sense_are_refused(tmp_path, names, samples, rate, says):
    path = tmp_path / "bad.usda"
    path.write_text(ANIM.format(names=names, samples=samples, rate=rate))
    with pytest.raises(UserError, match=rf"bad\.usda.*{says}"):
        skel_clip.face_of_text(path)


def test_a_file_cut_off_anywhere_is_refused_or_read_never_broken():
    whole = LAYER.encode()
    said = []
    for length in range(0, len(whole), 7):
        try:
            parse_usda(whole[:length], "layer")
        except UserError as error:
            said.append(str(error))
    assert len(said) > len(whole) // 7 * 0.8
    assert all("layer" in text for text in said)


def test_samples_that_are_missing_are_filled_in_straight(tmp_path):
    path = tmp_path / "a.usda"
    path.write_text(ANIM.format(names='["jawOpen"]', samples="0: [0], 1: [0.1], 4: [0.4]", rate=30))
    found = skel_clip.face_of_text(path)
    assert found.fps == 30
    np.testing.assert_allclose(found.weights[:, 0], [0, 0.1, 0.2, 0.3, 0.4], atol=1e-6)
