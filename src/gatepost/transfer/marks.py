"""What one account alone may have, by what it is and its value."""

Mark = tuple[str, bytes]
CREDENTIAL, HANDLE, IDENTITY = "passkey", "user handle", "identity"
# With what the codes of conflicts begin.
CODES = {CREDENTIAL: "passkey", HANDLE: "passkey", IDENTITY: "identity"}
