"""The matches: events, the rules that turn them into a score, and the ledger that numbers them. No viewers."""
