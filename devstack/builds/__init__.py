"""Builds what runs elsewhere: zips of the functions, packages of the clients, environments of tools."""
