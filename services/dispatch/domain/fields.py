"""What is wrong with what a command says: the field, and why in both languages."""

from __future__ import annotations

from contracts.cases import Case
from contracts.city import City, Reason
from services.dispatch.domain.command import Command
from services.dispatch.domain.conditions import MOST_REPORTS
from services.dispatch.domain.duplicates import JOINABLE

Wrong = tuple[str, str, str]

_NOT_LISTED = {
    "refuse": ("不在本市的不予立案理由之内", "Not a reason of the city's list"),
    "return": ("不在本市的回退理由之内", "Not a reason of the city's list"),
    "transfer": ("不在本市的回退理由之内", "Not a reason of the city's list"),
    "suspend": ("不在本市的延期与挂账理由之内", "Not a reason of the city's list"),
    "request-extension": ("不在本市的延期与挂账理由之内", "Not a reason of the city's list"),
}
_NEEDED = ("必填", "Needed")


def wrong_field(case: Case, command: Command, city: City) -> Wrong | None:
    """The first that is wrong; None: all is well."""
    action = command.action
    if action in _NOT_LISTED and not _may_say(command, city):
        return "reason", *_NOT_LISTED[action]
    if command.category is not None and city.category(command.category) is None:
        return "category", "没有这个类别", "There is no such category"
    match action:
        case "resolve" | "check":
            if not any(each.kind == "photo" for each in command.media):
                return "media", "需要处理后的照片", "An after-photo is needed"
        case "assign" if case.state != "opened":
            if command.member is None:
                return "member", "需要人员编号", "A member's id is needed: me, nobody, or another's"
        case "assign" | "reopen":
            if command.community is None and case.community is None and case.department is None:
                return "community", "需要社区编码", "A community code is needed"
        case "comment" | "ask" | "answer":
            if not command.note:
                return "note", *_NEEDED
        case "transfer":
            return _wrong_owner(case, command, city)
        case "request-extension":
            if command.hours is None:
                return "hours", *_NEEDED
        case "recategorise":
            return _wrong_category(case, command, city)
        case "correct":
            if command.text is None and command.category is None and command.moved is None:
                return "text", "没有要更正的内容", "There is nothing to correct"
        case "move":
            if command.moved is None:
                return "place", *_NEEDED
        case "merge":
            return _wrong_merge(case, command)
        case "separate":
            return _wrong_report(case, command)
    return None


def _may_say(command: Command, city: City) -> bool:
    code, role = command.reason or "", command.party.role
    reason: Reason | None
    match command.action:
        case "refuse":
            reason = city.refusal(code)
        case "return":
            reason = city.return_reason(code)
        case "transfer":
            # An operator hands over for any of the owners' reasons.
            return city.return_reason(code) is not None
        case _:
            reason = city.delay_reason(code)
    return reason is not None and role in reason.by


def _wrong_owner(case: Case, command: Command, city: City) -> Wrong | None:
    community, department = command.community, command.department
    if (community is None) == (department is None):
        return "community", "社区和部门必须且只能填一个", "Either a community or a department"
    if department is not None and department not in city.departments:
        return "department", "没有这个部门", "There is no such department"
    if (community, department) == (case.community, case.department):
        return "community", "已由其负责", "It has the case already"
    return None


def _wrong_category(case: Case, command: Command, city: City) -> Wrong | None:
    known = city.category(command.category)
    if known is None:
        return "category", *_NEEDED
    if known.code == case.category:
        return "category", "已是该类别", "It is of this category already"
    return None


def _wrong_merge(case: Case, command: Command) -> Wrong | None:
    into = command.into
    if into is None or into.id == case.id:
        return "into", "没有这个案件", "There is no such case"
    if into.state not in JOINABLE:
        return "into", "该案件已办结", "That case is over"
    if len(into.reports) + len(case.reports) > MOST_REPORTS:
        return "into", "该案件的上报已满", "That case takes no more reports"
    return None


def _wrong_report(case: Case, command: Command) -> Wrong | None:
    if command.report_id not in {each.report_id for each in case.reports[1:]}:
        return "report_id", "不是并入本案的上报", "Not a report that joined this case"
    return None
