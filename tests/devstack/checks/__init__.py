"""Tests of devstack/checks."""
