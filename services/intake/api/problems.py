"""The kinds of problems that only intake's routes answer with."""

from __future__ import annotations

from functools import partial

from runtime import errors
from runtime.errors import SUSPENDED, TOO_LARGE, UNSUPPORTED, Problem, declare
from runtime.steady import SteadyRoute
from services.intake.adapters.media_store import MediaStoreFull
from services.intake.adapters.photos.messages import Refusal

NO_CONTENT = declare(
    "no-content",
    422,
    "请至少提供一张照片、一段语音或一句话",
    "Send at least one photo, one voice note or one sentence",
)
TOO_MANY_PHOTOS = declare("too-many-photos", 422, "照片太多", "Too many photos")
EMPTY_FILE = declare("empty-file", 422, "文件是空的", "The file is empty")
UNREADABLE_PHOTO = declare("unreadable-photo", 422, "照片无法读取", "The photo cannot be read")
NOT_ASKED = declare(
    "place-not-asked", 409, "该上报目前不需要补充位置", "This report does not wait for a place"
)
NOT_READY = declare("media-not-ready", 404, "照片还在处理", "The photo is still being prepared")
WRONG_SECRET = declare("wrong-secret", 401, "设备密钥不对", "The device secret is wrong")
SESSION_OVER = declare("session-over", 401, "会话已结束，请重新登录", "The session is over")
SIGN_IN_REFUSED = declare(
    "sign-in-refused", 401, "登录未通过，请重新登录", "The sign-in was refused: sign in again"
)
NOT_STAFF = declare("not-staff", 403, "该账号没有工作权限", "This account has no role in this city")
TOO_SLOW = declare("too-slow", 408, "请求传输太慢", "The request came too slowly")

OWN = (
    NO_CONTENT,
    TOO_MANY_PHOTOS,
    EMPTY_FILE,
    UNREADABLE_PHOTO,
    NOT_ASKED,
    NOT_READY,
    WRONG_SECRET,
    SESSION_OVER,
    SIGN_IN_REFUSED,
    NOT_STAFF,
    SUSPENDED,
    TOO_SLOW,
)
documents = partial(errors.documents, own=OWN)


def photo_problem(reason: Refusal) -> Problem:
    """What the client is told of a photo that is not taken."""
    if reason == "not-a-photo":
        return Problem(UNSUPPORTED, zh="文件内容不是照片", en="The content is not a photo")
    if reason == "too-many-pixels":
        return Problem(TOO_LARGE, zh="照片像素太多", en="The photo has too many pixels")
    return Problem(UNREADABLE_PHOTO, reason=reason)


class PatientRoute(SteadyRoute):
    """So is a full disk."""

    retry_after_s = {MediaStoreFull: 60}
