"""How people prove who they are, as tokens say it (RFC 8176)."""

PASSWORD_METHOD = "pwd"  # noqa: S105  RFC 8176's name of the method
