"""Faults injected into a running stack of real processes, and what has to hold all the same (docs/reliability.md)."""
