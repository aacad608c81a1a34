"""What intake is told by its environment (prefix YIZHAN_INTAKE_ for what is its own)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from runtime.settings import Common, SettingsError, read
from services.intake.adapters.oidc import Issuer, issuers_of
from services.intake.adapters.speech import SpeechServer, Transcriber
from services.intake.adapters.wechat import WeChat

SERVICE = "intake"


@dataclass(frozen=True, kw_only=True)
class Own:
    """Variables with the prefix YIZHAN_INTAKE_; the database URL carries the role's password."""

    database_url: str
    pool_size: int = 10
    header_wait_s: float = 1.0
    wechat_appid: str = ""
    wechat_secret: str = field(default="", repr=False)
    wechat_url: str = "https://api.weixin.qq.com/sns/jscode2session"
    oidc_issuers: str = ""
    speech_key: str = field(default="", repr=False)
    speech_model: str = "whisper-1"
    speech_timeout_s: float = 60.0


@dataclass(frozen=True, kw_only=True)
class Shared:
    """Variables with the prefix YIZHAN_ that intake shares with the installation."""

    media_dir: Path
    signing_key_file: str = ""
    speech_url: str = ""
    floods: Literal["", "on", "off"] = ""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All of them. `header_wait_s`: how long an upload waits for its photo's header.

    `oidc_issuers` is a JSON list (adapters/oidc.py); without `wechat_appid` there is no WeChat.
    `floods`: whether requests are counted; if not said, they are outside local mode.
    Without `speech_url` nobody writes voice notes down: the handler hears them.
    """

    common: Common
    own: Own
    shared: Shared
    issuers: tuple[Issuer, ...] = ()

    @classmethod
    def of(cls, env: Mapping[str, str]) -> Self:
        """Raises SettingsError, which names the variable."""
        common, own = read(Common, env), read(Own, env, "YIZHAN_INTAKE_")
        local = common.mode == "local"
        if bool(own.wechat_appid) != bool(own.wechat_secret):
            raise SettingsError("YIZHAN_INTAKE_WECHAT_APPID and _WECHAT_SECRET belong together")
        if not local and not own.wechat_url.startswith("https://"):
            raise SettingsError("YIZHAN_INTAKE_WECHAT_URL is not https")
        issuers = issuers_of(own.oidc_issuers, local=local)
        shared = read(Shared, env)
        if shared.speech_url and urlsplit(shared.speech_url).scheme not in ("http", "https"):
            raise SettingsError("YIZHAN_SPEECH_URL is no http(s) URL")
        return cls(common=common, own=own, shared=shared, issuers=issuers)

    @property
    def holds_floods_back(self) -> bool:
        """Whether the city's token buckets count here."""
        return self.shared.floods == "on" or (
            self.shared.floods == "" and self.common.mode != "local"
        )

    def transcriber(self) -> Transcriber | None:
        """Who writes voice notes down, when there is somebody."""
        own, url = self.own, self.shared.speech_url
        if not url:
            return None
        return SpeechServer(url, own.speech_model, own.speech_timeout_s, own.speech_key)

    def wechat(self) -> WeChat | None:
        """The mini program that people sign in with, when there is one."""
        own = self.own
        return (
            WeChat(own.wechat_url, own.wechat_appid, own.wechat_secret)
            if own.wechat_appid
            else None
        )

    def key_file(self) -> Path:
        """The API signs tokens; the worker never sees the key."""
        if not self.shared.signing_key_file:
            raise SettingsError("YIZHAN_SIGNING_KEY_FILE is not set")
        return Path(self.shared.signing_key_file)
