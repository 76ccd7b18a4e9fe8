"""Fuzzers of the parsers that read input of others: one target in each file, and one runner."""
