"""A viewer's half of the protocol in Python: follow a match, notice a gap, repair it. Imports nothing else of ours."""
