"""Tests of devstack/measurements."""
