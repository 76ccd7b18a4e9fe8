"""The commands of ``livescore``, by whom they are for."""
