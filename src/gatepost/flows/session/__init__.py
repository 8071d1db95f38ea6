"""Staying signed in: refreshing, signing out, the devices one is signed in on."""
