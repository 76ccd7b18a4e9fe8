"""Runs the load test and the benches of loadtest/ with the stack that each needs."""
