"""HTTP errors as application/problem+json (RFC 9457), in Chinese first and in English."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

Language = Literal["zh-CN", "en"]
CONTENT_TYPE = "application/problem+json; charset=utf-8"


@dataclass(frozen=True)
class Kind:
    """A documented kind of problem: its `type` is `/problems/<slug>`."""

    slug: str
    status: int
    zh: str
    en: str


KINDS: dict[str, Kind] = {}


def declare(slug: str, status: int, zh: str, en: str) -> Kind:
    """Documents a kind of problem once; `zh` and `en` are its titles."""
    if slug in KINDS and KINDS[slug] != Kind(slug, status, zh, en):
        raise ValueError(f"problem {slug} is declared twice")
    KINDS[slug] = Kind(slug, status, zh, en)
    return KINDS[slug]


UNAUTHORIZED = declare("unauthorized", 401, "需要有效的令牌", "A valid token is needed")
FORBIDDEN = declare("forbidden", 403, "您的角色不能这样做", "Your role may not do this")
OTHER_SITE = declare(
    "other-site",
    403,
    "请求不是来自本网站的页面",
    "Not from a page of this site",
)
NOT_FOUND = declare("not-found", 404, "没有找到", "Not found")
METHOD = declare("method-not-allowed", 405, "此路径不支持该方法", "Method not allowed here")
CONFLICT = declare("conflict", 409, "当前状态不允许", "The current state does not allow this")
TOO_LARGE = declare("too-large", 413, "内容太大", "Too large")
UNSUPPORTED = declare("unsupported-format", 415, "不支持的格式", "Format not supported")
INVALID = declare("invalid", 422, "内容有误", "Something in the request is wrong")
REUSED_KEY = declare(
    "idempotency-key-reused",
    422,
    "该 Idempotency-Key 已用于另一个请求",
    "This Idempotency-Key was used for another request",
)
TOO_MANY = declare("too-many-requests", 429, "请求太多", "Too many requests")
INTERNAL = declare("internal", 500, "服务出错", "The service failed")
UNAVAILABLE = declare("unavailable", 503, "服务暂时不可用", "Temporarily unavailable")
SHARED = tuple(KINDS.values())
# Not of every service: a service that says it names it among its own (`documents`).
SUSPENDED = declare("reporter-suspended", 403, "您的上报资格已暂停", "You may not report for now")


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one field, named by its path (`reports.3.place.lat`)."""

    field: str
    zh: str
    en: str


class Problem(Exception):
    """An error answer. `extra` members stand beside the standard ones (`allowed`, `revision`)."""

    def __init__(
        self,
        kind: Kind,
        *,
        zh: str = "",
        en: str = "",
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(f"{kind.slug}: {en}")
        self.kind = kind
        self.zh = zh
        self.en = en
        self.errors = errors
        self.headers = dict(headers or {})
        self.extra = extra

    def body(self, language: Language) -> dict[str, Any]:
        """The JSON members in that language."""
        chinese = language == "zh-CN"
        body: dict[str, Any] = {
            "type": f"/problems/{self.kind.slug}",
            "title": self.kind.zh if chinese else self.kind.en,
            "status": self.kind.status,
        }
        if detail := self.zh if chinese else self.en:
            body["detail"] = detail
        if self.errors:
            body["errors"] = [
                {"field": each.field, "detail": each.zh if chinese else each.en}
                for each in self.errors
            ]
        return body | self.extra

    def response(self, request: Request) -> Response:
        """The answer in the language that the request asks for."""
        for prefix, answer in _SPOKEN.items():
            if request.url.path.startswith(prefix):
                return answer(self, request)
        language = language_of(request.headers.get("accept-language", ""))
        return Response(
            msgspec.json.encode(self.body(language)),
            status_code=self.kind.status,
            headers={"Content-Language": language} | self.headers,
            media_type=CONTENT_TYPE,
        )


_SPOKEN: dict[str, Callable[[Problem, Request], Response]] = {}


def speak(prefix: str, answer: Callable[[Problem, Request], Response]) -> None:
    """Problems under a path that another standard rules are told in that standard's own form."""
    _SPOKEN[prefix] = answer


def language_of(accept_language: str) -> Language:
    """`en` when the client prefers it to Chinese, else Chinese."""
    weights = {"zh": 0.0, "en": 0.0}
    for part in accept_language.lower().split(",")[:10]:
        tag, _, rest = part.strip().partition(";")
        quality = rest.strip().removeprefix("q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            weight = 0.0
        primary = tag.split("-")[0]
        if primary in weights:
            weights[primary] = max(weights[primary], weight)
    return "en" if weights["en"] > weights["zh"] else "zh-CN"


def not_found() -> Problem:
    """Not there, or not the caller's: the same answer."""
    return Problem(NOT_FOUND)


def invalid_field(field: str, zh: str, en: str) -> Problem:
    """One field is wrong."""
    return Problem(INVALID, errors=[FieldError(field, zh, en)])


def unavailable(retry_after_s: int = 2) -> Problem:
    """Something that we need is away for now."""
    return Problem(
        UNAVAILABLE,
        zh="请稍后重试，已填写的内容不会丢失",
        en="Please try again shortly",
        headers={"Retry-After": str(retry_after_s)},
    )


def documents(*statuses: int, own: Sequence[Kind] = ()) -> dict[int | str, dict[str, Any]]:
    """OpenAPI `responses` for these statuses: the kinds that all share, and a service's own."""
    schema = {
        "type": "object",
        "required": ["type", "title", "status"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["field", "detail"],
                    "properties": {"field": {"type": "string"}, "detail": {"type": "string"}},
                },
            },
        },
    }
    return {
        status: {
            "description": "; ".join(k.en for k in (*SHARED, *own) if k.status == status),
            "content": {"application/problem+json": {"schema": schema}},
        }
        for status in statuses
    }
