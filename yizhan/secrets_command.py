"""`yizhan secrets`: what a deployment with servers needs, made once, in files of their own."""

from __future__ import annotations

import json
import os
from pathlib import Path
from urllib.parse import quote

import click

from yizhan.datafolder import ROOT, DataFolder
from yizhan.environment import database_url, present_doors, present_services
from yizhan.secretfiles import write_secret

ENV_FILE = ROOT / ".env"


@click.command()
@click.option("--data", type=click.Path(path_type=Path), default=ROOT / "deploy" / "data")
@click.option("--postgres", default="postgres:5432", show_default=True, help="host:port")
def secrets(data: Path, postgres: str) -> None:
    """Make the secrets that docker-compose.yml mounts; harmless to repeat."""
    folder = DataFolder(data)
    folder.make()
    for name, text in _files(folder, postgres).items():
        write_secret(folder.path / "secrets" / name, text)
    _ = folder.secrets.signing_key_file
    write_secret(ENV_FILE, f"YIZHAN_UID={os.getuid()}\nYIZHAN_GID={os.getgid()}\n")
    click.echo(f"made {folder.path / 'secrets'} and {ENV_FILE.name}")


def _files(folder: DataFolder, postgres: str) -> dict[str, str]:
    password = folder.secrets.password("postgres")
    files = {"admin.url": f"postgresql://postgres:{quote(password)}@{postgres}/postgres"}
    for service in (*present_services(), "monitor"):
        files[f"{service}.url"] = database_url(f"{postgres}/yizhan", service, folder)
    apis = (*present_services(), *present_doors())
    hashes = {each: folder.secrets.service_key_hash(each) for each in apis}
    return files | {"service-keys.json": json.dumps(hashes)}
