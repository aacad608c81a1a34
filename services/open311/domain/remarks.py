"""An update that a client posts: a remark of its person about a request."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid5

from services.open311.domain.faults import Fault, Faulty
from services.open311.domain.sending import Fields, given

REMARKS = UUID("9d0bb4f3-0c7e-5f0d-8b61-3a4f0c311312")
MOST_TEXT = 4000
STATES = ("", "open", "closed")


@dataclass(frozen=True)
class Remark:
    """A good form; `update_id` is the client's own, empty when it gives none."""

    service_request_id: str
    update_id: str
    status: str
    text: str
    updated_datetime: str


def remark(fields: Fields) -> Remark:
    """Raises Faulty with all that is wrong."""
    found = Remark(
        service_request_id=given(fields, "service_request_id"),
        update_id=given(fields, "update_id") or given(fields, "update_id_ext"),
        status=given(fields, "status").lower(),
        text=given(fields, "description"),
        updated_datetime=given(fields, "updated_datetime"),
    )
    faults = []
    if not found.service_request_id:
        faults.append(Fault("service_request_id", "必填", "is required"))
    if not found.text:
        faults.append(Fault("description", "必填", "is required"))
    if len(found.text) > MOST_TEXT or "\x00" in found.text:
        faults.append(
            Fault("description", f"最多 {MOST_TEXT} 字", f"is not up to {MOST_TEXT} characters")
        )
    if found.status not in STATES:
        faults.append(Fault("status", "只能是 open 或 closed", "may be open or closed"))
    if faults:
        raise Faulty(*faults)
    return found


def remark_id(client: str, said: Remark, header: str) -> str:
    """The id of the update: a repeat has the same one."""
    mark = header or said.update_id or f"{said.status}\n{said.text}"
    return str(uuid5(REMARKS, f"{client}\n{said.service_request_id}\n{mark}"))
