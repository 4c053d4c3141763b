# SPDX-License-Identifier: GPL-3.0-or-later
"""Terms of the models that a user may bring, as the library shows them before first use."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Licence:
    """Terms of a model.

    ``key``         short name, stays the same: what a user accepted is remembered by it
    ``url``         where the whole text is to be read
    ``notice``      what to show, in one or two sentences
    ``restricted``  whether it may be used for some purposes only, and is never downloaded for the
                    user
    """

    key: str
    title: str
    url: str
    notice: str
    restricted: bool
