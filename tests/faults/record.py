"""The rows of docs/reliability.md: kept by each run, written by `python -m tests.faults.record`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.faults.ledger import Ledger
from tests.faults.verdict import Verdict

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reliability.md"
VARIABLE = "YIZHAN_FAULT_RECORD"
TWO_AT_ONCE = ("-n", "2", "--dist", "loadfile")
BEGIN, END = "<!-- rows: begin -->", "<!-- rows: end -->"
HEAD = (
    "| run | seed | events | kills | I1 | I2 | I3 | I4 | I5 | I6 | seconds | again |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
)


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    run: str
    seed: int
    events: int
    kills: int
    i1: str
    i2: str
    i3: str
    i4: str
    i5: str
    i6: str
    seconds: float
    test: str

    def markdown(self) -> str:
        """As the page shows it."""
        again = f"`YIZHAN_FAULT_SEED={self.seed} .venv/bin/python -m pytest -s {self.test}`"
        told = (self.i1, self.i2, self.i3, self.i4, self.i5, self.i6)
        cells = (self.run, self.seed, self.events, self.kills, *told, f"{self.seconds:.0f}", again)
        return "| " + " | ".join(map(str, cells)) + " |"


def keep(ledger: Ledger, verdict: Verdict, test: str, *, caught: bool = False) -> None:
    """Prints the run's ledger and keeps its row when a record is being made."""
    counts = verdict.counts
    seconds = time.monotonic() - ledger.started_at
    row = Row(
        run=f"mutant: {ledger.name}" if caught else ledger.name,
        seed=ledger.seed,
        events=counts.get("events", 0),
        kills=ledger.kills,
        i1=_cell(verdict, "I1", _sum(counts)),
        i2=_cell(verdict, "I2", _once(counts)),
        i3=_cell(verdict, "I3", f"{verdict.unsent}"),
        i4=_cell(verdict, "I4", f"{verdict.lag}"),
        i5=_cell(verdict, "I5", f"{counts.get('dead letters', 0)} of {counts.get('poison', 0)}"),
        i6=_cell(verdict, "I6", _told(counts)),
        seconds=seconds,
        test=test,
    )
    print(f"\n  {ledger.name}: seed {ledger.seed}, {seconds:.0f} s")
    for line in ledger.faults:
        print(f"    {line}")
    print(f"    {counts}, {ledger.retries} retries, settled in {verdict.settled_s:.1f} s")
    print(f"    I1 {row.i1} | I2 {row.i2} | I3 {row.i3} | I4 {row.i4} | I5 {row.i5} | I6 {row.i6}")
    if verdict.breaches:
        print(f"    breaches: {verdict.told()}")
    sys.stdout.flush()
    if path := os.environ.get(VARIABLE):
        with Path(path).open("a") as out:
            out.write(json.dumps(asdict(row), ensure_ascii=False) + "\n")


def _cell(verdict: Verdict, invariant: str, fine: str) -> str:
    found = verdict.breaches.get(invariant)
    return f"**{len(found)} caught**" if found else fine


def _sum(counts: dict[str, int]) -> str:
    parts = ("opened", "joined", "refused", "waiting", "withdrawn")
    return f"{counts.get('accepted', 0)} = " + " + ".join(str(counts.get(p, 0)) for p in parts)


def _once(counts: dict[str, int]) -> str:
    clocks = f", {counts['clocks fired']} clocks once" if "clocks fired" in counts else ""
    return f"0 twice of {counts.get('events', 0)}{clocks}"


def _told(counts: dict[str, int]) -> str:
    if "notices" not in counts:
        return "-"
    return f"{counts['notices']} notices, {counts.get('deliveries', 0)} deliveries"


def main() -> None:
    """Runs tests/faults (or what pytest's arguments choose) and writes what happened into the page.

    Rows of runs that were not chosen stay as they were recorded.
    """
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "rows"
        rows.touch()
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", *TWO_AT_ONCE, "tests/faults", *sys.argv[1:]],
            cwd=ROOT,
            env=os.environ | {VARIABLE: str(rows)},
            check=False,
        )
        if done.returncode != 0:
            sys.exit("not written: a run failed")
        made = [Row(**json.loads(line)).markdown() for line in rows.read_text().splitlines()]
    before, _, rest = PAGE.read_text().partition(BEGIN)
    old, _, after = rest.partition(END)
    kept = {_run_of(line): line for line in old.strip().splitlines()[len(HEAD) :]}
    table = list((kept | {_run_of(line): line for line in made}).values())
    PAGE.write_text(before + "\n".join((BEGIN, *HEAD, *table, END)) + after)


def _run_of(line: str) -> str:
    return line.split("|")[1].strip()


if __name__ == "__main__":
    main()
