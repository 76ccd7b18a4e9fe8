"""An operator's side of the HTTP API: a client, its tokens, and a scoreboard in the terminal."""
