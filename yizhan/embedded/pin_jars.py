"""Prints kafka_jars.sha256 anew for a version: `python -m yizhan.embedded.pin_jars 4.3.0`."""

from __future__ import annotations

import hashlib
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from yizhan.embedded.jars import AT_A_TIME, TIMEOUT_S

KAFKA = "org.apache.kafka:kafka_2.13:{version}"
BINDING = "org.apache.logging.log4j:log4j-slf4j-impl:{version}"
"""Resolved on its own: beside Kafka its parent's version list would overrule Kafka's."""


def lines(kafka_version: str, room: Path) -> list[str]:
    """`SHA256  GROUP:ARTIFACT:VERSION` of the broker, what it needs, and the log binding."""
    from jgo.maven import MavenContext

    context: Any = MavenContext(repo_cache=room, timeout=TIMEOUT_S)
    wanted = context.create_dependency(KAFKA.format(version=kafka_version))
    inputs, needed = context.resolver.resolve([wanted])
    artifacts = [each.artifact for each in inputs]
    artifacts += [each.artifact for each in needed if each.scope in ("compile", "runtime")]
    log4j = next(each.version for each in artifacts if each.artifactId == "log4j-core")
    artifacts.append(context.create_dependency(BINDING.format(version=log4j)).artifact)
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        paths = list(pool.map(lambda each: Path(each.resolve()), artifacts))
    rows = []
    for artifact, path in zip(artifacts, paths, strict=True):
        name = f"{artifact.groupId}:{artifact.artifactId}:{artifact.version}"
        rows.append((name, hashlib.sha256(path.read_bytes()).hexdigest()))
    return [f"{digest}  {name}" for name, digest in sorted(rows)]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        print("\n".join(lines(sys.argv[1], Path(folder))))
