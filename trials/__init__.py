"""Trials of the system: faults in real processes, a model of the whole, fuzzed parsers."""
