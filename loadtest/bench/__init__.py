"""Benches, which compare within one run: ``livescore bench``. Measured numbers are here, never in a test."""

NAMES = ("send", "page", "million", "gateway", "goal", "burst", "budget", "cold", "web", "transports")
"""The names of all benches."""

IN_ALL = tuple(name for name in NAMES if name != "transports")
"""The order of ``bench all``. The bench of the transports takes long, because each transport has the same viewers."""
