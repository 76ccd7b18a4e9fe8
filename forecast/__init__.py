"""Forecasts: what a match will bear and cost, computed (the planner) and played in virtual time (the simulation)."""
