"""The pages a person sees: server-rendered skeletons, filled by small modules through the public API."""
