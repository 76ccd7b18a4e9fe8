"""Tests of devstack/operator."""
