"""Recovery codes: what people keep on paper, for the day on which they have lost their device."""
