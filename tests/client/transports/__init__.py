"""Tests of the transports of the Python client."""
