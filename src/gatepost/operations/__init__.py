"""Monitoring: metrics, readiness, traces."""
