"""Sessions: refresh, sign-out, devices."""
