"""The administration pages; each is a client of the routes under `/api/admin`."""

from gatepost.admin.accounts.search import FactorFilter, Status
from gatepost.console.pages import ConsolePage

COMMON = ("admin.client",)
EVENTS = ("events", "admin_events")
ADMIN_PAGES = (
    ConsolePage("/admin", "admin_overview", "admin/overview", words=(*COMMON, *EVENTS, "admin_overview.client")),
    ConsolePage(
        "/admin/people", "admin_people", "admin/people",
        words=(*COMMON, "admin_people.client"),
        shown={"statuses": list(Status), "factors": list(FactorFilter)},
    ),
    ConsolePage(
        "/admin/people/{user_id:int}", "admin_person", "admin/person",
        words=(*COMMON, *EVENTS, "admin_person.client"),
    ),
    ConsolePage("/admin/roles", "admin_roles", "admin/roles", words=(*COMMON, "admin_roles.client")),
    ConsolePage(
        "/admin/invitations", "admin_invitations", "admin/invitations",
        words=(*COMMON, "admin_invitations.client"),
    ),
    ConsolePage("/admin/audit", "admin_audit", "admin/audit", words=(*COMMON, *EVENTS, "admin_audit.client")),
    ConsolePage("/admin/keys", "admin_keys", "admin/keys", words=(*COMMON, "admin_keys.client")),
)  # fmt: skip
