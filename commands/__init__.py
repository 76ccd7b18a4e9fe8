"""The command ``livescore``: a file for each group of commands."""
