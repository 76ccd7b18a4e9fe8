"""What happened: events, the rules that turn them into a score, and the ledger that numbers them. Knows no viewers."""
