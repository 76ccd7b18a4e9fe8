"""The stand-in for API Gateway (docs/standin.md): ``python -m loadtest.standin.server`` starts it."""
