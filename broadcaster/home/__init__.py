"""Runs at home: numbers events, has every cell tell them, and checks later that every cell has told them."""
