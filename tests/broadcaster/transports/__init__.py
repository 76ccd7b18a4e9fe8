"""Tests of broadcaster.transports."""
