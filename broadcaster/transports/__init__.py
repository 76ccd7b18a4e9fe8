"""The ways of a numbered event to the viewers of a cell: one file for each transport."""
