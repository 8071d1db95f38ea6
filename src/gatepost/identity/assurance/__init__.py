"""From a proof to a session, for every way in: what was proved, what is decided, what is opened, what is handed out."""
