"""Write the first refresh token of each session whose id stands on a line of the input.

Runs in Gatepost's own environment, with its settings.
"""

import sys

from gatepost.core.settings import load_settings
from gatepost.identity.tokens.refresh_tokens import RefreshTicket, RefreshTokens

tokens = RefreshTokens(load_settings().keys)
for line in sys.stdin:
    print(tokens.write(RefreshTicket(int(line), 0)))
