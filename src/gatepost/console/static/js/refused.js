// Which events are refused attempts, so that lists show them so.

const REFUSED = new Set(["session.refused", "session.refresh_refused", "session.refresh_reused", "guessing.stopped"]);

/** Return "refused" for an event that is one, else null. */
export const kindOf = ({ event }) => (REFUSED.has(event) ? "refused" : null);
