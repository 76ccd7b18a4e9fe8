"""Benches, which compare within one run: ``livescore bench``. Measured numbers are here, never in a test."""

NAMES = ("send", "page", "million", "gateway", "goal", "burst", "budget", "cold", "web")
"""The order of ``bench all``."""
