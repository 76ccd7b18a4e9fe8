"""Tests of devstack/deployment."""
