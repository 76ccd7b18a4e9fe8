"""Tests of devstack/builds."""
