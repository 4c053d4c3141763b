# SPDX-License-Identifier: GPL-3.0-or-later
"""From geometry to the weights of named poses."""
