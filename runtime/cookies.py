"""Sessions of web pages: tokens in cookies that no script reads, writes from our own pages only."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from runtime.tokens import LIFETIME

ACCESS, REFRESH = "yizhan_access", "yizhan_refresh"
REFRESH_PATH = "/v1/sessions"
READS = frozenset({"GET", "HEAD", "OPTIONS"})


def from_our_own_page(request: Request) -> bool:
    """True for a read, and for a write whose `Origin` is the host that was asked.

    Browsers send Origin with every write, and no script can set it (Fetch standard); SameSite alone
    would let a page of a sibling host in.
    """
    if request.method in READS:
        return True
    origin = urlsplit(request.headers.get("origin", ""))
    host = request.headers.get("host", "").lower()
    return origin.scheme in ("http", "https") and origin.netloc.lower() == host != ""


def keep(
    response: Response, access: str, refresh: str | None, refresh_s: int, *, tls: bool
) -> None:
    """Sets both cookies; the refresh token goes only where it is used."""
    _set(response, ACCESS, access, "/", int(LIFETIME.total_seconds()), tls=tls)
    if refresh is not None:
        _set(response, REFRESH, refresh, REFRESH_PATH, refresh_s, tls=tls)


def forget(response: Response) -> None:
    """Takes both away."""
    response.delete_cookie(ACCESS, path="/", httponly=True, samesite="strict")
    response.delete_cookie(REFRESH, path=REFRESH_PATH, httponly=True, samesite="strict")


def _set(response: Response, name: str, value: str, path: str, age_s: int, *, tls: bool) -> None:
    response.set_cookie(
        name, value, max_age=age_s, path=path, secure=tls, httponly=True, samesite="strict"
    )
