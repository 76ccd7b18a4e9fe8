"""The parts of the API Gateway stand-in; ``loadtest/gateway.py`` starts it, docs/standin.md says what it is for."""
