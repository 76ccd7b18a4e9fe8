"""Measurements side by side, each in one run: ``livescore bench``. Figures live here, never in a test."""
