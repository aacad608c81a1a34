"""Who owns which HTTP path (http.md): the edge and the gateway's configuration come from here."""

from __future__ import annotations

DOORS = ("open311",)
"""What speaks another standard to the world and keeps nothing: an API alone."""

OWNED_PATHS: dict[str, tuple[str, ...]] = {
    "intake": (
        "/.well-known/jwks.json",
        "/v1/sessions",
        "/v1/sessions/refresh",
        "/v1/me",
        "/v1/me/registration",
        "/v1/observers",
        "/v1/observers/{id}",
        "/v1/communities/{code}/registrations",
        "/v1/communities/{code}/registrations/{id}/confirm",
        "/v1/communities/{code}/registrations/{id}/refuse",
        "/v1/categories",
        "/v1/communities",
        "/v1/media",
        "/v1/media/{id}",
        "/v1/media/{id}/original",
        "/v1/media/{id}/openings",
        "POST /v1/reports",
        "/v1/reports/batch",
        "/v1/reports/{id}/place",
    ),
    "dispatch": (
        "/v1/cases/nearby",
        "/v1/cases/actions",
        "/v1/cases/{id}",
        "/v1/cases/{id}/*",
        "/v1/communities/{code}/queue",
        "/v1/communities/{code}/stream",
        "/v1/departments/{code}/queue",
        "/v1/departments/{code}/stream",
    ),
    "rewards": (
        "/v1/me/points",
        "/v1/me/points/*",
        "/v1/rewards",
        "/v1/rewards/*",
        "/v1/me/vouchers",
        "/v1/vouchers/*",
        "/v1/held-points",
        "/v1/held-points/*",
    ),
    "notify": (
        "/v1/me/inbox",
        "/v1/me/inbox/*",
        "/v1/me/stream",
        "/v1/me/preferences",
        "/v1/me/subscriptions",
        "/v1/me/subscriptions/*",
        "/v1/webhooks",
        "/v1/webhooks/*",
    ),
    "tracking": (
        "GET /v1/reports",
        "GET /v1/reports/{id}",
        "/v1/me/export",
        "GET /v1/cases",
        "/v1/cases.csv",
        "/v1/cases.geojson",
        "/v1/stats",
    ),
    "open311": ("/open311/v2/*",),
}
"""Service -> its paths. `*` stands for any rest; a verb in front limits the row to that verb."""
