"""Mistakes of each kind, and the check that has to find each."""
