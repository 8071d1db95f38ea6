"""A hook of Schemathesis: headers that it makes up say nothing of where a message ends, or how.

Among a thousand names it finds `Content-Length`, and a value of its own there makes another message, or none, of the
request. That is not for the document to tell; `tests/features/http` has it.
"""

from typing import Any

import schemathesis

# RFC 9112, sections 3.2, 6 and 9.6; RFC 9110, sections 7.8 and 10.1.1.
FRAMING = frozenset({"connection", "content-length", "expect", "host", "te", "trailer", "transfer-encoding", "upgrade"})


@schemathesis.hook
def before_call(_context: schemathesis.HookContext, case: schemathesis.Case[Any], _kwargs: dict[str, Any]) -> None:
    for name in [name for name in case.headers or () if name.lower() in FRAMING]:
        del case.headers[name]
