"""Who is watching, and how many: one row per connection and match, and the routes that viewers' frames go to."""
