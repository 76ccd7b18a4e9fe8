"""An operator's half of the HTTP API: the client, its tokens, and matches in words for a terminal."""
