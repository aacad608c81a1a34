"""The command line that people type and scripts read: exit 0, 1 on a finding, 2 on wrong use."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import click

from yizhan.city_command import city
from yizhan.datafolder import default_folder
from yizhan.erasures_command import erasures
from yizhan.inspect_commands import dlq, lag, status
from yizhan.ledger_command import ledger
from yizhan.open311_command import open311
from yizhan.queue_command import queue
from yizhan.secrets_command import secrets
from yizhan.setup_commands import doctor, migrate, topics
from yizhan.token_command import token
from yizhan.trouble import Trouble


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """驿站 Yizhan: street problems reported with one tap, in the community's queue at once.

    Exit code: 0 success, 1 a finding or a broken environment, 2 wrong use.
    """


@cli.command()
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--data", type=click.Path(path_type=Path), help="Data folder [.yizhan].")
@click.option("--kafka-port", type=click.IntRange(1, 65535), help="Fixed port for Kafka.")
@click.option("--postgres-port", type=click.IntRange(1, 65535), help="Fixed port for PostgreSQL.")
def up(port: int, data: Path | None, kafka_port: int | None, postgres_port: int | None) -> None:
    """Start everything on this machine; `ready URL` on standard output; stop with Ctrl-C.

    YIZHAN_KAFKA (host:port) and YIZHAN_DATABASE_URL (an admin's) name existing servers.
    """
    from yizhan.up import Options
    from yizhan.up import up as run

    run(
        Options(
            port=port,
            data=data or default_folder(),
            kafka_port=kafka_port,
            postgres_port=postgres_port,
        )
    )


for command in (
    token,
    status,
    lag,
    dlq,
    erasures,
    ledger,
    open311,
    queue,
    city,
    topics,
    migrate,
    secrets,
    doctor,
):
    cli.add_command(command)


def main() -> None:
    """Runs a command; a fault that is expected is one line on standard error."""
    from cities.marked import CityError

    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # our own line says it
    try:
        code = cli.main(prog_name="yizhan", standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except CityError as error:
        _say(str(error))
        sys.exit(2)
    except Trouble as error:
        _say(str(error))
        sys.exit(1)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)


def _say(text: str) -> None:
    print(f"yizhan: {text}", file=sys.stderr)
