"""Trials that the system has to withstand: faults against real processes, a model of the whole, fuzzed parsers."""
