"""Tests of devstack/replay."""
