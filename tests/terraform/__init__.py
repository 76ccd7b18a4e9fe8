"""Tests of terraform/: what terraform says of it, and what it would make."""
