"""One batch of a broadcast: the hot path from a page of connection ids to signed POSTs and their answers."""
