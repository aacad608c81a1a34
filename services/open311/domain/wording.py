"""What clients read about a state and about what happened."""

from __future__ import annotations

from contracts.cases import CaseState
from contracts.city import City, Wording

STATES: dict[CaseState, Wording] = {
    "opened": Wording("已立案，正在确定责任单位", "Filed; its owner is being found"),
    "assigned": Wording("已派单", "Assigned"),
    "accepted": Wording("责任单位已接单", "Accepted by the unit responsible"),
    "in-progress": Wording("正在处理", "Being worked on"),
    "suspended": Wording("暂缓处理", "Suspended"),
    "resolved": Wording("已处理，等待核实", "Fixed; to be verified"),
    "disputed": Wording("反馈未解决，重新核查", "Said not to be fixed; looked at again"),
    "verified": Wording("已核实", "Verified"),
    "closed": Wording("已办结", "Closed"),
    "refused": Wording("不予立案", "Not taken on"),
    "withdrawn": Wording("上报人已撤回", "Withdrawn by the reporter"),
    "merged": Wording("已并入另一案件", "Merged with another case"),
}
REPORTS: dict[str, Wording] = {
    "accepted": Wording("已收到", "Received"),
    "normalised": Wording("已收到", "Received"),
    "place-asked": Wording("已收到，等待补充位置", "Received; its place is not known yet"),
    "refused": Wording("不予受理", "Not taken on"),
}
NEWS: dict[str, Wording] = {
    "CaseAssigned": STATES["assigned"],
    "CaseAccepted": STATES["accepted"],
    "CaseStarted": STATES["in-progress"],
    "CaseTransferred": Wording("已转交其他单位", "Handed to another unit"),
    "CaseSuspended": STATES["suspended"],
    "CaseResumed": Wording("恢复处理", "Resumed"),
    "CaseMadeSafe": Wording("现场已做安全防护", "Made safe on site"),
    "CaseResolved": STATES["resolved"],
    "CaseDisputed": STATES["disputed"],
    "CaseVerified": STATES["verified"],
    "CaseClosed": STATES["closed"],
    "CaseReopened": Wording("已重新打开", "Reopened"),
    "CaseRefused": STATES["refused"],
    "CaseWithdrawn": STATES["withdrawn"],
    "CaseMerged": STATES["merged"],
}
"""Events that are told to everybody. Remarks, returns, questions and warnings are not."""
BY_STAFF = frozenset(NEWS) - {"CaseDisputed", "CaseWithdrawn", "CaseReopened"}
"""Those whose note was written for the reporter by who works on the case."""


def with_reason(said: Wording, reason: str | None, city: City, language: str) -> str:
    """The words, and the city's words for the reason."""
    known = city.reason(reason) if reason else None
    text = said.to(language)
    if known is None:
        return text
    return f"{text}：{known.name.zh}" if language != "en" else f"{text}: {known.name.en}"
