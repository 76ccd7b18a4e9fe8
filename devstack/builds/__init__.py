"""Builds the functions' zips, the clients' packages and the virtual environments of tools."""
