"""Pure: the errors of a sender."""


class GatewayError(Exception):
    """No POST can succeed, whatever the connection: bad credentials, a wrong URL, or no network."""
