"""What the system has to stand: faults against real processes, a model of the whole, fuzzed parsers."""
