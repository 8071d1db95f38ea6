"""How property tests run: on any machine, however busy, and without leaving files."""

from hypothesis import HealthCheck, settings

patient = settings(deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
