"""The other half: handlers take cases on, prove and lose them; reporters and operators answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from yizhan.demo import camera, pictures
from yizhan.demo.people import Person
from yizhan.demo.scenes import GREENERY_NEIGHBOUR
from yizhan.demo.stage import Sent, Stage


class Play:
    """One case and the people who work on it; each step is shown."""

    def __init__(self, stage: Stage, sent: Sent) -> None:
        self._stage, self._sent = stage, sent
        self._handler = stage.handlers[str(sent.case["community"])]
        stage.screen.line(f"\n  {sent.scene.name.zh} · {sent.scene.name.en}", "title")

    async def handler(self, action: str, said: str = "", **body: Any) -> None:
        """accept, start, return, refuse."""
        await self._show(self._handler, "社区 handler", action, said, body)

    async def resolve(self, said: str, *, seed: int = 1) -> None:
        """With a photo taken after the work."""
        painter = self._sent.scene.painter
        assert painter is not None
        picture = pictures.draw(painter, seed=seed, mended=True)
        now = datetime.now(UTC).astimezone(self._stage.screen.zone)
        photo = await self._handler.photo(camera.jpeg(picture, taken_at=now))
        await self._show(self._handler, "社区 handler", "resolve", said, {"media": [photo]})

    async def reporter(self, action: str, said: str, **body: Any) -> None:
        """confirm, dispute, reopen."""
        await self._show(self._sent.reporter, "市民 reporter", action, said, body)

    async def photo_of_matter(self) -> str:
        """The reporter looks again and takes another photo of it as it is; its id."""
        painter = self._sent.scene.painter
        assert painter is not None
        now = datetime.now(UTC).astimezone(self._stage.screen.zone)
        return await self._sent.reporter.photo(
            camera.jpeg(pictures.draw(painter, seed=77), taken_at=now, place=self._sent.scene.at)
        )

    async def operator(self, action: str, said: str, **body: Any) -> None:
        """verify, assign; after `assign` the handler is the new community's."""
        case = await self._show(self._stage.operator, "中心 operator", action, said, body)
        if action == "assign":
            self._handler = self._stage.handlers[case["community"]]

    async def _show(
        self, person: Person, who: str, action: str, said: str, body: dict[str, Any]
    ) -> dict[str, Any]:
        case = await person.act(self._sent.case_id, action, **body)
        owner = f"  {self._stage.community(case['community'])}" if action == "assign" else ""
        said = f"  {said}" if said else ""
        self._stage.screen.person(who, f"{action:<8} → {case['state']:<12}{said}{owner}")
        return case


async def bin_closed(play: Play) -> None:
    """The plain way."""
    await play.handler("accept")
    await play.handler("start")
    await play.resolve("已清运，附照片 emptied, photo attached")
    await play.reporter("confirm", "干净了，谢谢 clean now, thank you")


async def greenery_returned(play: Play) -> None:
    """Not ours: the operator finds the neighbour."""
    await play.handler("return", "不在本辖区 outside our area", reason="other-area")
    await play.operator("assign", "改派", community=GREENERY_NEIGHBOUR)
    await play.handler("accept")
    await play.handler("start")
    await play.resolve("已补种 planted anew")
    await play.operator("verify", "核查通过 checked")


async def lamp_disputed(play: Play) -> None:
    """The reporter objects once, rightly."""
    await play.handler("accept")
    await play.handler("start")
    await play.resolve("已修复 mended")
    photo = await play.photo_of_matter()
    await play.reporter("dispute", "灯还是不亮 still dark", media=[photo])
    await play.handler("start")
    await play.resolve("换了灯头，箱门已锁 new head, door locked", seed=2)
    await play.reporter("confirm", "亮了 it shines")


async def manhole_closed(play: Play) -> None:
    """Danger goes first in its queue."""
    await play.handler("accept", "十五分钟内签收 danger: within 15 minutes")
    await play.handler("start")
    await play.resolve("新井盖已装 a new cover")
    await play.reporter("confirm", "看到了，已盖好 seen, it is closed")


async def water_verified(play: Play) -> None:
    """The operator confirms."""
    await play.handler("accept")
    await play.handler("start")
    await play.resolve("积水已排除 drained")
    await play.operator("verify", "核查通过 checked")


async def railing_verified(play: Play) -> None:
    """A case that began as one photo."""
    await play.handler("accept")
    await play.handler("start")
    await play.resolve("护栏已扶正 straightened")
    await play.operator("verify", "核查通过 checked")


async def reopened(play: Play) -> None:
    """Within seven days the first reporter may ask once again: what it was worth is taken back."""
    await play.reporter("reopen", "又松动了 loose again")


async def closed_again(play: Play) -> None:
    """A second round, with points of its own."""
    await play.handler("accept")
    await play.handler("start")
    await play.resolve("已加固 fastened", seed=3)
    await play.reporter("confirm", "这次稳了 firm now")


async def smoke_refused(play: Play) -> None:
    """The commonest end."""
    await play.handler("refuse", "现场未发现问题 nothing was found", reason="nothing-there")


PLAYS = {
    "bin": bin_closed,
    "greenery": greenery_returned,
    "lamp": lamp_disputed,
    "manhole": manhole_closed,
    "water": water_verified,
    "railing": railing_verified,
    "smoke": smoke_refused,
}
"""Scene -> how its case ends."""
