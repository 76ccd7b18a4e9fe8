"""Tests of forecast/."""
