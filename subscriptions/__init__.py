"""Who is watching: one row per connection and match, spread over shards, and the viewers' side of the protocol."""
