// Which events are refused attempts, so that lists show them so.

const REFUSED = new Set(["sign_in.failed", "refresh_token.rejected", "refresh_token.reused", "guessing.throttled"]);

/** Return "refused" for an event that is one, else null. */
export const kindOf = ({ event }) => (REFUSED.has(event) ? "refused" : null);
