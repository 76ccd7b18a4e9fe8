"""Subscriptions and counts of viewers: one row per connection and match, and the viewers' WebSocket routes."""
