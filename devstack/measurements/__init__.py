"""Runs the load test and the benches of loadtest/, each with the stack that it needs."""
