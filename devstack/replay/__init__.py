"""Plays matches of real feeds: reads the file, posts its events, and shows the demo."""
