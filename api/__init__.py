"""The operators' and readers' HTTP API."""
