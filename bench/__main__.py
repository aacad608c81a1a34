"""`make bench`: exit 0 when everything was measured, also where an aim is missed; 1 when not."""

from __future__ import annotations

import logging
import shutil
import signal
from collections.abc import Awaitable, Callable

import click
import msgspec
import uvloop

from bench import accept, crowd, drain, lives, photos, size, start, to_queue
from bench.results import Options, Result, keep, read
from bench.settings import machine
from bench.stacks import say, temporary

MEASUREMENTS: dict[str, Callable[[Options], Awaitable[Result]]] = {
    "accept": accept.measure,
    "to-queue": to_queue.measure,
    "drain-intake": drain.intake,
    "drain-dispatch": drain.dispatch,
    "lives": lives.measure,
    "start": start.measure,
    "photos": photos.measure,
    "size": size.measure,
    "crowd": crowd.measure,
}
"""In the order of RESULTS.md."""


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--only", default=",".join(MEASUREMENTS), show_default=True, help="Which, by comma.")
@click.option("--runs", default=3, show_default=True, type=click.IntRange(1, 15))
@click.option(
    "--seconds",
    default=10.0,
    show_default=True,
    type=click.FloatRange(1, 300),
    help="Of each measured load.",
)
@click.option(
    "--backlog",
    default=50_000,
    show_default=True,
    type=click.IntRange(1000, 500_000),
    help="Events to drain.",
)
@click.option("--json", "as_json", is_flag=True, help="What is kept, on standard output.")
def main(only: str, runs: int, seconds: float, backlog: int, as_json: bool) -> None:
    """Measure the product beside its floors on this machine; writes bench/RESULTS.md.

    Starts everything itself on free ports in temporary folders. What is not measured this time
    stays in RESULTS.md as it was. Exit code: 0 measured, 1 a run broke, 2 wrong use.
    """
    names = [name.strip() for name in only.split(",")]
    if unknown := set(names) - set(MEASUREMENTS):
        raise click.UsageError(f"no such measurement: {', '.join(sorted(unknown))}")
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    options = Options(runs=runs, seconds=seconds, backlog=backlog)
    here = _machine()
    for name in names:
        say(f"{name}: begins")
        result = uvloop.run(_one(name, options))
        keep(here, name, result, list(MEASUREMENTS))
        for aim in result.aims:
            say(f"{'met    ' if aim.met else 'NOT MET'} {aim.what}: {aim.found} (aim {aim.aim})")
    if as_json:
        click.echo(msgspec.json.encode(read()).decode())


async def _one(name: str, options: Options) -> Result:
    return await MEASUREMENTS[name](options)


def _machine() -> str:
    folder = temporary()
    try:
        return machine(folder)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    try:
        main()
    except Exception as error:  # any: a run that broke is no result
        say(f"bench: {type(error).__name__}: {error}")
        raise
