"""Fuzzers of the parsers that read what others send: one target per file, one runner."""
