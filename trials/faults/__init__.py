"""Faults in a running stack of real processes, and the promises that must hold under them (docs/reliability.md)."""
