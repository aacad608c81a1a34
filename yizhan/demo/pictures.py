"""Pictures that the demo draws itself: each matter as it was found, and once it is mended."""

from __future__ import annotations

import random
from collections.abc import Callable

from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT = 1280, 960
GROUND = 520
SKY, HOUSE, PAVING, ASPHALT = (186, 212, 235), (206, 190, 168), (176, 174, 168), (92, 94, 98)
GRASS, SOIL, WATER, NIGHT = (92, 150, 72), (139, 106, 70), (98, 120, 128), (22, 26, 44)

Pen = ImageDraw.ImageDraw
Painter = Callable[[Pen, random.Random, bool], None]


def draw(painter: Painter, *, seed: int, mended: bool = False) -> Image.Image:
    """A street scene; the seed varies what lies about, so that no two pictures are equal."""
    chance = random.Random(seed)
    picture = Image.new("RGB", (WIDTH, HEIGHT), SKY)
    painter(ImageDraw.Draw(picture), chance, mended)
    grain = Image.effect_noise((WIDTH, HEIGHT), 18).convert("RGB")
    return Image.blend(picture.filter(ImageFilter.GaussianBlur(0.8)), grain, 0.06)


def overflowing_bin(pen: Pen, chance: random.Random, mended: bool) -> None:
    """A green bin on the pavement; bags on top of it and around."""
    _street(pen, PAVING)
    if not mended:
        for _ in range(16):
            _bag(pen, chance.randint(400, 900), chance.randint(700, 850), chance)
    pen.polygon([(530, 440), (770, 440), (740, 800), (560, 800)], fill=(38, 110, 62))
    for x in range(570, 740, 34):
        pen.line([(x, 480), (x, 770)], fill=(28, 84, 48), width=6)
    pen.ellipse((560, 780, 610, 830), fill=(30, 30, 30))
    pen.ellipse((690, 780, 740, 830), fill=(30, 30, 30))
    if mended:
        pen.rounded_rectangle((515, 405, 785, 450), 16, fill=(26, 82, 46))
        return
    for x, y in ((560, 420), (640, 395), (720, 415), (600, 360), (690, 350), (645, 315)):
        _bag(pen, x, y, chance)
    pen.polygon([(770, 330), (850, 300), (870, 330), (790, 360)], fill=(26, 82, 46))


def bare_greenery(pen: Pen, chance: random.Random, mended: bool) -> None:
    """A bed with shrubs; a brown patch where they are missing."""
    _street(pen, GRASS)
    pen.rectangle((0, 860, WIDTH, HEIGHT), fill=PAVING)
    if not mended:
        pen.ellipse((330, 610, 960, 850), fill=SOIL)
        for _ in range(220):
            x, y = chance.randint(380, 910), chance.randint(640, 820)
            pen.ellipse((x, y, x + 9, y + 6), fill=(112, 84, 52))
    for x in range(60, WIDTH, 150):
        if mended or not 300 < x < 960:
            _shrub(pen, x, 640 + chance.randint(0, 40), chance)
    for x in (420, 820):
        if not mended:
            pen.line([(x, 730), (x + 10, 660), (x - 12, 630)], fill=(86, 66, 44), width=7)


def broken_lamp(pen: Pen, chance: random.Random, mended: bool) -> None:
    """Night; a lamp post that is dark, its door open, wires hanging out."""
    pen.rectangle((0, 0, WIDTH, HEIGHT), fill=NIGHT)
    for _ in range(60):
        x, y = chance.randint(0, WIDTH), chance.randint(0, 400)
        pen.point((x, y), fill=(200, 200, 220))
    for x in range(40, WIDTH, 220):
        pen.rectangle((x, 240, x + 170, GROUND + 100), fill=(34, 38, 58))
        pen.rectangle(
            (x + 60, 320, x + 90, 360), fill=chance.choice([(210, 180, 90), (40, 44, 66)])
        )
    pen.rectangle((0, GROUND + 100, WIDTH, HEIGHT), fill=(44, 46, 54))
    if mended:
        pen.polygon([(800, 170), (500, 900), (1150, 900)], fill=(96, 92, 70))
    pen.rectangle((600, 140, 630, 880), fill=(120, 124, 130))
    pen.line([(615, 145), (700, 110), (820, 130)], fill=(120, 124, 130), width=18)
    lamp = (255, 236, 160) if mended else (60, 62, 70)
    pen.polygon([(770, 120), (850, 130), (840, 170), (770, 165)], fill=lamp)
    if mended:
        return
    pen.rectangle((604, 650, 628, 740), fill=(10, 10, 12))
    pen.polygon([(630, 650), (680, 665), (680, 755), (630, 740)], fill=(96, 100, 106))
    for colour, shift in (((200, 60, 50), 0), ((70, 110, 200), 14), ((210, 180, 60), 28)):
        path = [(616, 690), (650 + shift, 730), (640 + shift, 790), (670 + shift, 830)]
        pen.line(path, fill=colour, width=7, joint="curve")
    for _ in range(9):
        x, y = 680 + chance.randint(-30, 40), 835 + chance.randint(-25, 25)
        pen.line([(690, 832), (x, y)], fill=(255, 240, 140), width=3)


def open_manhole(pen: Pen, chance: random.Random, mended: bool) -> None:
    """The pavement with a round hole; a stick that somebody put in."""
    _street(pen, PAVING)
    for y in range(560, HEIGHT, 70):
        pen.line([(0, y), (WIDTH, y)], fill=(150, 148, 142), width=3)
        for x in range(chance.randint(0, 60), WIDTH, 140):
            pen.line([(x, y), (x - 20, y + 70)], fill=(150, 148, 142), width=3)
    pen.ellipse((420, 640, 860, 850), fill=(110, 108, 104))
    if mended:
        pen.ellipse((440, 652, 840, 838), fill=(72, 74, 78))
        for x in range(500, 800, 60):
            pen.line([(x, 690), (x, 800)], fill=(96, 98, 102), width=8)
        return
    pen.ellipse((445, 655, 835, 835), fill=(8, 8, 10))
    pen.arc((445, 655, 835, 835), 180, 360, fill=(60, 58, 54), width=14)
    pen.line([(640, 780), (730, 420)], fill=(120, 88, 50), width=16)
    pen.polygon([(722, 425), (800, 450), (714, 500)], fill=(200, 40, 40))


def flooded_crossing(pen: Pen, chance: random.Random, mended: bool) -> None:
    """A road under water; a car that stands in it to the doors."""
    _street(pen, ASPHALT)
    for x in range(80, WIDTH, 260):
        pen.rectangle((x, 800, x + 140, 822), fill=(220, 220, 214))
    _car(pen, 430, 560)
    if mended:
        return
    pen.rectangle((0, 690, WIDTH, HEIGHT), fill=WATER)
    for _ in range(70):
        x, y = chance.randint(0, WIDTH), chance.randint(705, 950)
        pen.arc(
            (x, y, x + chance.randint(60, 160), y + 16), 180, 360, fill=(136, 158, 166), width=4
        )
    for _ in range(240):
        x, y = chance.randint(0, WIDTH), chance.randint(0, 680)
        pen.line([(x, y), (x - 8, y + 30)], fill=(150, 170, 186), width=2)


def broken_railing(pen: Pen, chance: random.Random, mended: bool) -> None:
    """A railing between road and path, bent to the ground in its middle."""
    _street(pen, ASPHALT)
    for x in range(40, WIDTH, 70):
        bent = not mended and 420 < x < 860
        top = (x + 110, 760) if bent else (x, 520)
        pen.line([(x, 800), top], fill=(236, 238, 240), width=14)
    pen.line([(0, 540), (420, 540)], fill=(236, 238, 240), width=14)
    pen.line([(860, 540), (WIDTH, 540)], fill=(236, 238, 240), width=14)
    middle = [(420, 540), (860, 540)] if mended else [(420, 540), (560, 770), (980, 780)]
    pen.line(middle, fill=(236, 238, 240), width=14)
    for _ in range(0 if mended else 20):
        x, y = chance.randint(440, 1000), chance.randint(800, 900)
        pen.rectangle((x, y, x + 14, y + 8), fill=(60, 62, 66))


def _street(pen: Pen, ground: tuple[int, int, int]) -> None:
    for x, top in ((0, 180), (300, 120), (620, 210), (960, 150)):
        pen.rectangle((x, top, x + 290, GROUND), fill=HOUSE)
        for y in range(top + 40, GROUND - 60, 90):
            for window in range(x + 40, x + 250, 80):
                pen.rectangle((window, y, window + 40, y + 50), fill=(120, 140, 160))
    pen.rectangle((0, GROUND, WIDTH, HEIGHT), fill=ground)


def _bag(pen: Pen, x: int, y: int, chance: random.Random) -> None:
    colour = chance.choice([(40, 40, 44), (230, 230, 226), (200, 60, 60), (60, 96, 170)])
    pen.ellipse((x - 48, y - 30, x + 48, y + 38), fill=colour)
    pen.polygon([(x - 12, y - 26), (x + 12, y - 26), (x, y - 52)], fill=colour)


def _shrub(pen: Pen, x: int, y: int, chance: random.Random) -> None:
    for _ in range(14):
        dx, dy = chance.randint(-60, 40), chance.randint(-70, 20)
        pen.ellipse(
            (x + dx, y + dy, x + dx + 50, y + dy + 44), fill=(40, chance.randint(90, 130), 48)
        )


def _car(pen: Pen, x: int, y: int) -> None:
    pen.rounded_rectangle((x, y + 60, x + 460, y + 190), 40, fill=(178, 44, 44))
    pen.polygon(
        [(x + 90, y + 70), (x + 150, y - 20), (x + 320, y - 20), (x + 390, y + 70)],
        fill=(150, 34, 34),
    )
    pen.polygon(
        [(x + 125, y + 62), (x + 165, y), (x + 305, y), (x + 350, y + 62)], fill=(196, 216, 228)
    )
    for wheel in (x + 70, x + 310):
        pen.ellipse((wheel, y + 140, wheel + 90, y + 230), fill=(28, 28, 30))
