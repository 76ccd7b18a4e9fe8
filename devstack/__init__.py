"""The whole AWS system on one machine, and the command ``livescore``."""
