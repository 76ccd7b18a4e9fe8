"""Tests of the Python client as a library, and of what others install."""
