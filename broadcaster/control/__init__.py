"""The control of broadcasts: which events are due in which cell, who sends them, and when that has ended."""
