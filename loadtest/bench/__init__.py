"""Measurements side by side, each in one run: ``livescore bench``. Figures live here, never in a test."""

NAMES = ("send", "page", "million", "gateway", "goal", "budget", "cold", "web")
"""In the order in which ``bench all`` runs them."""
