# SPDX-License-Identifier: GPL-3.0-or-later
"""Custom properties by which the objects of a character transfer are known again."""

FITTED = "facewright_fitted"  # on a fitted mesh: id of the transfer that made it
RESULT = "facewright_result"  # on a copy that speaks: id of its transfer
HIDDEN = "facewright_hidden_by"  # on what a copy stands for: id of the transfer that hides it
SHAPED = "facewright_shaped"  # on shape keys that were generated
MARKS = (FITTED, RESULT, HIDDEN)
