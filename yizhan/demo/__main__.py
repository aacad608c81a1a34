"""`python -m yizhan.demo`: exit 0 when every expected effect is there exactly once, else 1."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import time

import click
import psycopg
from aiokafka.errors import KafkaError

from cities.areas import load_areas
from cities.load import load_city
from yizhan.demo import scenes
from yizhan.demo.people import Unexpected
from yizhan.demo.play import Result, count, play, zone_of
from yizhan.demo.product import Product
from yizhan.demo.screen import Screen
from yizhan.trouble import Trouble

CROWD = 300


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--json", "as_json", is_flag=True, help="The result as JSON on standard output.")
@click.option("--keep", is_flag=True, help="Leave it running afterwards, until Ctrl-C.")
@click.option(
    "--crowd",
    default=CROWD,
    show_default=True,
    type=click.IntRange(1, 5000),
    help="Reports sent at once in the last act.",
)
def main(as_json: bool, keep: bool, crowd: int) -> None:
    """Start the whole product from nothing, play reports through it, count what happened.

    Needs nothing but this checkout: free ports and a temporary folder, which go away with it.
    Exit code: 0 every expected effect is there exactly once, 1 something differs, 2 wrong use.
    """
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    city, areas = load_city(scenes.CITY), load_areas(scenes.CITY)
    screen = Screen(sys.stderr if as_json else sys.stdout, zone_of(city))
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    began = time.monotonic()
    product = Product(lambda line: screen.line(f"  {line}", "dim"))
    result: Result = {"ok": False}
    try:
        screen.act(1, "启动", f"Kafka, PostgreSQL, workers, edge, monitor in {product.data.path}")
        product.start()
        started_s = time.monotonic() - began
        screen.line(f"  ready {product.url} ({started_s:.1f} s)", "good")
        stage = asyncio.run(play(product, screen, city, areas, crowd))
        result = count(stage)
        result["seconds"] = {
            "start": round(started_s, 1),
            "all": round(time.monotonic() - began, 1),
        }
        _summary(screen, result, time.monotonic() - began)
        if keep:
            _stay(screen, product)
    except KeyboardInterrupt:
        result["why"] = "interrupted"
        screen.line("  stopping", "dim")
    except (Trouble, Unexpected, TimeoutError, KafkaError, psycopg.Error) as error:
        result["why"] = str(error) or type(error).__name__
        screen.checked(False, f"演示中断 the demo broke off: {result['why']}")
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        product.stop()
    if as_json:
        click.echo(json.dumps(result, ensure_ascii=False, indent=2))
    sys.stdout.flush()
    os._exit(0 if result["ok"] else 130 if result.get("why") == "interrupted" else 1)


def _summary(screen: Screen, result: Result, seconds: float) -> None:
    rows = result["expectations"]
    good = sum(row["expected"] == row["found"] for row in rows)
    screen.line("")
    verdict = "恰好一次 exactly once" if result["ok"] else "有出入 something differs"
    screen.checked(result["ok"], f"{good}/{len(rows)}  {verdict}  {seconds:.0f} s")


def _stay(screen: Screen, product: Product) -> None:
    screen.line(f"\n  {product.url} 继续运行 stays up; docs at {product.url}/docs; Ctrl-C ends it")
    screen.line(f"  .venv/bin/yizhan status --data {product.data.path}")
    product.wait()


if __name__ == "__main__":
    main()
