"""Tests of forecast/simulation/."""
