"""Tests of devstack/stack."""
