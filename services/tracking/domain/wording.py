"""What tracking itself says to people; every other text is the city's."""

from __future__ import annotations

from contracts.city import City, Wording

PLACE_ASKED = Wording(
    "请补充问题所在的位置，我们才能派给负责的社区",
    "Where is it? We need the place to find who is responsible",
)


def reason_text(city: City, code: str, language: str) -> str:
    """The city's wording of a reason for refusing or returning; the code when it has none."""
    reason = city.reason(code)
    return reason.name.to(language) if reason else code
