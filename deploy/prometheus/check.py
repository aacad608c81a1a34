"""Runs the unit tests of the alert rules with promtool; `python -m deploy.prometheus.check`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
INSTALL = """\
promtool is not on PATH. It is part of Prometheus:
  Debian, Ubuntu   apt-get install prometheus
  macOS            brew install prometheus
  elsewhere        the archive of a Prometheus release, file promtool"""


def main() -> int:
    """0 when rules, configuration and rule tests hold, 1 on a finding or without promtool."""
    promtool = shutil.which("promtool")
    if promtool is None:
        print(INSTALL, file=sys.stderr)
        return 1
    commands = (
        ("check", "config", "--syntax-only", "prometheus.yml"),
        ("check", "rules", "alerts.yml"),
        ("test", "rules", "alerts_test.yml"),
    )
    return max(subprocess.run([promtool, *each], cwd=HERE).returncode for each in commands)


if __name__ == "__main__":
    sys.exit(main())
