"""Benches, which compare within one run: ``livescore bench``. Measured numbers are here, never in a test."""

NAMES = ("send", "page", "million", "gateway", "goal", "burst", "budget", "cold", "web", "transports", "crowd")
"""The names of all benches."""

IN_ALL = tuple(name for name in NAMES if name not in ("transports", "crowd"))
"""The order of ``bench all``. The bench of the transports takes long, because each transport has the same viewers. The
bench of the crowd takes minutes, nearly 20,000 open files in each process, and gigabytes of memory."""
