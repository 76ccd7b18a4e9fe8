"""The viewers' end: sockets that follow matches, for the demo, the terminal, tests and load."""
