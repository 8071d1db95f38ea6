// The events that lists show as refused attempts.

const REFUSED = new Set(["sign_in.failed", "refresh_token.rejected", "refresh_token.reused", "guessing.throttled"]);

/** Return "refused" for a refused attempt, else null. */
export const kindOf = ({ event }) => (REFUSED.has(event) ? "refused" : null);
