"""What people find in their inbox, on their stream, and what they prefer."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from cities.folder import city_folder
from cities.notices import FILE
from contracts.cases import CaseAccepted, CaseAssigned, CaseClosed, CaseOpened, QuestionAsked
from contracts.notices import NoticeDelivered
from contracts.observers import ObserverErased
from contracts.reports import PlaceAsked
from runtime import erasure
from runtime.effects import Transactor
from services.notify.adapters import notice_sql
from services.notify.handlers import Notices
from services.notify.timers import timers
from tests.integration.notify_set import Notify, installation, opened
from tests.integration.service_set import Environment, message
from tests.notify_facts import COMMUNITY, about, case, event


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    path: Path = tmp_path_factory.mktemp("notify")
    with installation(path / "data") as told:
        yield told


@pytest.fixture
async def notify(env: Environment) -> AsyncIterator[Notify]:
    async with opened(env) as found:
        yield found


async def test_a_reporter_hears_of_their_case_in_either_language(notify: Notify) -> None:
    of = case()
    await notify.give(event(about(CaseOpened, of, report_id="x")), event(about(CaseAccepted, of)))
    page = (await notify.reporter("r-1").get("/v1/me/inbox")).json()
    assert [each["title"] for each in page["notices"]] == ["已受理", "已立案"]
    assert (page["unread"], page["cursor"], page["recipient"]) == (2, None, "r-1")
    first = page["notices"][0]
    assert (first["type"], first["about"], first["language"]) == ("CaseAccepted", of.id, "zh-CN")
    english = (await notify.reporter("r-1", language="en-GB,zh;q=0.5").get("/v1/me/inbox")).json()
    assert english["notices"][0]["title"] == "Accepted"
    leaving = await notify.events()
    assert [(each.type, each.subject, each.seq) for each in leaving] == [
        ("NoticeDelivered", page["notices"][1]["id"], 1),
        ("NoticeDelivered", page["notices"][0]["id"], 1),
    ]
    body = leaving[0].body
    assert isinstance(body, NoticeDelivered)
    assert (body.recipient_id, body.channel, body.event) == ("r-1", "inbox", "CaseOpened")


async def test_a_replay_changes_nothing(notify: Notify) -> None:
    events = [event(about(CaseClosed, case(reporters=("a", "b")))), event(about(CaseAssigned))]
    await notify.give(*events, *events)
    before = await notify.sql("select * from notices order by id")
    assert len(before) == 3
    assert len((await notify.give(*events)).duplicate) == 2
    # Beyond the inbox's memory the business key (event, recipient, channel) holds.
    await notify.sql("truncate inbox")
    assert len((await notify.give(*events)).applied) == 2
    assert await notify.sql("select * from notices order by id") == before
    assert len(await notify.events()) == 3


async def test_two_workers_count_without_gap(notify: Notify) -> None:
    one = [message(event(about(CaseClosed, case(reporters=("a", "b"))))) for _ in range(20)]
    other = [message(event(about(CaseClosed, case(reporters=("b", "a"))))) for _ in range(20)]
    context = notify.context

    async def worker(messages: list[object]) -> None:
        transactor = Transactor(context.db, Notices(context.live))
        for at in range(0, 20, 4):
            await transactor.take(messages[at : at + 4])  # type: ignore[arg-type]

    await asyncio.gather(worker(list(one)), worker(list(other)))
    for recipient in ("a", "b"):
        rows = await notify.sql("select seq from notices where recipient = $1", recipient)
        assert sorted(row["seq"] for row in rows) == list(range(1, 41))
    seqs = [(each.subject, each.seq) for each in await notify.events()]
    assert len(set(seqs)) == 80


async def test_pages_and_read_marks(notify: Notify) -> None:
    for _ in range(5):
        await notify.give(event(about(CaseAccepted)))
    mine = notify.reporter("r-1")
    first = (await mine.get("/v1/me/inbox?limit=2")).json()
    second = (await mine.get(f"/v1/me/inbox?limit=3&cursor={first['cursor']}")).json()
    ids = [each["id"] for each in first["notices"] + second["notices"]]
    assert (len(set(ids)), second["cursor"], second["unread"]) == (5, None, 5)
    read = await mine.post(f"/v1/me/inbox/{ids[0]}/read")
    again = await mine.post(f"/v1/me/inbox/{ids[0]}/read")
    assert read.status_code == 200 and read.json()["read_at"] == again.json()["read_at"]
    unread = (await mine.get("/v1/me/inbox?unread=true")).json()
    assert (unread["unread"], len(unread["notices"])) == (4, 4)
    wrong = await mine.get("/v1/me/inbox?cursor=nonsense")
    assert wrong.status_code == 422
    assert wrong.json()["errors"][0]["field"] == "cursor"


async def test_another_persons_inbox_is_not_there(notify: Notify) -> None:
    await notify.give(event(about(CaseAccepted)), event(about(CaseAssigned)))
    rows = await notify.sql("select id, recipient from notices")
    ids = {row["recipient"]: row["id"] for row in rows}
    stranger = notify.reporter("r-2")
    assert (await stranger.get("/v1/me/inbox")).json()["notices"] == []
    for found in ids.values():
        assert (await stranger.post(f"/v1/me/inbox/{found}/read")).status_code == 404
    for other in ("r-1", f"community:{COMMUNITY}", "operators"):
        for path in ("inbox", "stream"):
            answer = await stranger.get(f"/v1/me/{path}", params={"recipient": other})
            assert answer.status_code == 404
    assert (await notify.client(None).get("/v1/me/inbox")).status_code == 401
    # A community's inbox belongs to those who stand for it.
    shared = {"recipient": f"community:{COMMUNITY}"}
    handler = notify.client("handler", communities=frozenset({COMMUNITY}))
    page = (await handler.get("/v1/me/inbox", params=shared)).json()
    assert [each["title"] for each in page["notices"]] == ["新案件"]
    neighbour = notify.client("handler", communities=frozenset({"610113001005"}))
    assert (await neighbour.get("/v1/me/inbox", params=shared)).status_code == 404
    assert (await handler.post(f"/v1/me/inbox/{page['notices'][0]['id']}/read")).status_code == 200


async def test_the_stream_is_resumable(notify: Notify) -> None:
    for fact in (CaseAccepted, CaseClosed):
        await notify.give(event(about(fact, case(reporters=("r-1", "r-2")))))
        await notify.relayed()
    brief = notify.reporter("r-1", lifetime_s=2, language="en")
    answers = await asyncio.gather(
        brief.get("/v1/me/stream", headers={"Last-Event-ID": "1"}),
        brief.get("/v1/me/stream", headers={"Last-Event-ID": "9"}),
        brief.get("/v1/me/stream?after=0"),
    )
    resumed, too_far, from_start = (answer.text for answer in answers)
    assert "id: 2\nevent: NoticeDelivered\ndata: " in resumed and '"title":"Closed"' in resumed
    assert "id: 1\n" not in resumed
    assert "id: 2\nevent: reset\n" in too_far
    assert from_start.index('"title":"Accepted"') < from_start.index('"title":"Closed"')
    wrong = await notify.reporter("r-1").get("/v1/me/stream", headers={"Last-Event-ID": "x"})
    assert wrong.status_code == 422


async def test_preferences(notify: Notify) -> None:
    mine = notify.reporter("r-1")
    begin = {
        "language": None,
        "quiet_hours": None,
        "channels": {"inbox": True, "stream": True},
    }
    assert (await mine.get("/v1/me/preferences")).json() == begin
    wanted = {
        "language": "en",
        "quiet_hours": {"begin": "00:00", "end": "23:59"},
        "channels": {"inbox": True, "stream": False},
    }
    put = await mine.put("/v1/me/preferences", json=wanted, headers={"Idempotency-Key": "k"})
    assert (put.status_code, put.json()) == (200, wanted)
    assert (await mine.get("/v1/me/preferences")).json() == wanted
    await notify.give(event(about(CaseAccepted)))
    await notify.give(event(about(QuestionAsked, note="?", question_id="q")))
    feeds = await notify.sql("select feeds from outbox")
    assert [row["feeds"] for row in feeds] == [[], []]
    found = (await mine.get("/v1/me/inbox")).json()["notices"]
    assert [each["title"] for each in found] == ["A question for you", "Accepted"]
    assert not found[0]["quiet"] and found[0]["urgent"]
    other = (await notify.reporter("r-1", language="zh-CN").get("/v1/me/inbox")).json()
    assert other["notices"][0]["language"] == "zh-CN"
    reused = await mine.put("/v1/me/preferences", json={}, headers={"Idempotency-Key": "k"})
    assert reused.status_code == 422
    for bad in (
        {"language": "fr"},
        {"quiet_hours": {"begin": "25:00", "end": "07:00"}},
        {"quiet_hours": {"begin": "07:00", "end": "07:00"}},
        {"channels": {"inbox": False}},
        {"points": 1},
    ):
        assert (await mine.put("/v1/me/preferences", json=bad)).status_code == 422, bad


async def test_who_is_erased_is_forgotten(notify: Notify) -> None:
    await notify.give(event(about(CaseAccepted, case(reporters=("r-1", "r-2")))))
    await notify.reporter("r-1").put("/v1/me/preferences", json={"language": "en"})
    await notify.relayed()
    erased = ObserverErased(reporter_id="r-1", by=about(CaseAccepted).by)
    await notify.give(
        event(about(CaseClosed, case(reporters=("r-1", "r-2")))),
        event(erased),
        event(about(CaseClosed, case(reporters=("r-1", "r-2")))),
    )
    page = (await notify.reporter("r-1").get("/v1/me/inbox")).json()
    assert (page["notices"], page["unread"]) == ([], 0)
    assert (await notify.reporter("r-1").get("/v1/me/preferences")).json()["language"] is None
    assert len((await notify.reporter("r-2").get("/v1/me/inbox")).json()["notices"]) == 3
    jobs = await notify.sql("select kind, ref from jobs order by kind")
    assert [tuple(row) for row in jobs] == [("forget", "r-1"), ("forget-again", "r-1")]
    forgetting = erasure.runner(notice_sql.erase_all)
    assert await forgetting._one(notify.context.db, lambda: None)
    for table, column in (("outbox", "key"), ("feed", "value"), ("notices", "recipient")):
        rows = await notify.sql(f"select {column} as it from {table}")
        assert rows and not any("r-1" in str(row["it"]) for row in rows)


async def test_poison_among_good_events(notify: Notify) -> None:
    asked = PlaceAsked(report_id="p", reporter_id="has a blank", code="C")
    nul = about(QuestionAsked, note="a\0b", question_id="q")
    outcome = await notify.give(
        event(about(CaseAccepted)), event(asked), event(nul), event(about(CaseClosed))
    )
    assert (len(outcome.applied), len(outcome.dead)) == (2, 2)
    assert len(await notify.sql("select 1 from notices")) == 2


async def test_old_notices_are_deleted(notify: Notify) -> None:
    await notify.give(event(about(CaseAccepted)), event(about(CaseClosed)))
    await notify.sql(
        "update notices set created_at = now() - interval '181 days' where type = 'CaseClosed'"
    )
    counts = [await timer.tick(notify.context.db) for timer in timers()]
    assert counts == [1, 0]
    assert len(await notify.sql("select 1 from notices")) == 1


async def test_how_fast_events_are_told(notify: Notify) -> None:
    """Prints events a second at batch 200; holds a floor that only a mistake goes below."""
    events = [event(about(CaseClosed, case(reporters=(f"r{n % 300}", "x")))) for n in range(2000)]
    clock = asyncio.get_running_loop().time
    started = clock()
    for at in range(0, len(events), 200):
        await notify.give(*events[at : at + 200])
    seconds = clock() - started
    print(f"notify: {len(events) / seconds:.0f} events/s, 2 notices each, at batch 200")
    assert len(await notify.sql("select 1 from notices")) == 4000
    assert len(events) / seconds > 100


def test_a_broken_table_stops_the_start(env: Environment, tmp_path: Path) -> None:
    shutil.copytree(city_folder("xian"), tmp_path / "city")
    file = tmp_path / "city" / FILE
    file.write_text(file.read_text(encoding="utf-8").replace("{balance}", "{purse}", 1))
    done = subprocess.run(
        [sys.executable, "-m", "services.notify", "worker"],
        env={**env, "YIZHAN_CITY": str(tmp_path / "city"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert f"{file}:" in done.stderr and "placeholder {purse} is none of" in done.stderr
