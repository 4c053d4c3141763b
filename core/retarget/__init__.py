# SPDX-License-Identifier: GPL-3.0-or-later
"""Character transfer: one head's expressions on any other head. numpy, and scipy where it says so.

Everything here is float64 in one space, and nothing is taken from the order or names of vertices.
"""
