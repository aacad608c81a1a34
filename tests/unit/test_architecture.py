"""What no tool's rule can say about our code is read from its syntax trees here."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sourcecode import (
    ROOT,
    calls,
    imported,
    name_of,
    product_modules,
    service_folders,
    tracked_files,
    tree,
)

GUARD = {"runtime/consume.py", "runtime/effects.py"}
SENDERS = {"runtime/relay.py", "runtime/producer.py", "runtime/sendnow.py"}
SERVICE_NAMES = {
    "__init__",
    "__main__",
    "bootstrap",
    "worker",
    "settings",
    "domain",
    "handlers",
    "adapters",
    "agents",
    "api",
    "jobs",
    "timers",
    "migrations",
}
MOST_LINES = 250
MOST_AGENT_LINES = 10
BLOCKING = {
    "time.sleep",
    "subprocess.run",
    "subprocess.check_output",
    "subprocess.check_call",
    "os.system",
    "os.fsync",
    "open",
    "socket.create_connection",
    "psycopg.connect",
    "urllib.request.urlopen",
    "httpx.get",
    "httpx.post",
}
PURE = {"contracts", "msgspec"} | set(sys.stdlib_module_names)
IMPURE = {"asyncio", "random", "secrets", "socket", "subprocess", "time", "os", "io", "threading"}

MODULES = list(product_modules())


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def found(path: Path, pattern: str) -> list[int]:
    """Lines of calls to a name that ends in the pattern."""
    return [call.lineno for call in calls(tree(path)) if name_of(call.func).endswith(pattern)]


def test_there_is_code_to_judge() -> None:
    assert {"contracts", "runtime"} <= {relative(path).split("/")[0] for path in MODULES}


@pytest.mark.parametrize("pattern", [".take", ".take_events", ".noack_take", ".noack"])
def test_only_the_guard_reads_streams(pattern: str) -> None:
    hits = {relative(path) for path in MODULES if found(path, pattern)}
    assert hits <= GUARD, "kafka.md H2: these ack on exceptions, or are the guard's alone"


@pytest.mark.parametrize("name", ["CrashingSupervisor", "isolated_partitions", "producer_threaded"])
def test_forbidden_parts_of_faust(name: str) -> None:
    for path in MODULES:
        words = {name_of(node) for node in ast.walk(tree(path))}
        words |= {node.arg or "" for node in ast.walk(tree(path)) if isinstance(node, ast.keyword)}
        assert not any(word.split(".")[-1] == name for word in words), relative(path)


def test_no_error_callback_hides_a_lost_event() -> None:
    for path in MODULES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.keyword):
                assert node.arg != "on_error", f"{relative(path)}:{node.value.lineno}"


def test_no_faust_timer_or_task() -> None:
    for path in MODULES:
        for node in ast.walk(tree(path)):
            for decorator in getattr(node, "decorator_list", ()):
                target = decorator.func if isinstance(decorator, ast.Call) else decorator
                bad = {"app.timer", "app.task", "app.crontab"}
                assert name_of(target) not in bad, f"{relative(path)}:{decorator.lineno}"


def test_no_bare_loop_over_a_topic() -> None:
    for path in MODULES:
        if "faust" not in imported(path) or relative(path) in GUARD:
            continue
        loops = [node.lineno for node in ast.walk(tree(path)) if isinstance(node, ast.AsyncFor)]
        assert not loops, f"{relative(path)}: {loops}: only the guard loops over a stream"


def test_nothing_unpickles() -> None:
    for path in MODULES:
        assert not {"pickle", "cloudpickle", "shelve", "marshal"} & imported(path), relative(path)
        assert not found(path, "yaml.load"), f"{relative(path)}: yaml.safe_load"
        assert not found(path, "yaml.unsafe_load"), relative(path)


def test_one_door_to_kafka() -> None:
    users = {
        relative(path)
        for path in MODULES
        if any(name_of(node).endswith("AIOKafkaProducer") for node in ast.walk(tree(path)))
    }
    assert users <= SENDERS, "every event leaves through the one relay"


def async_calls(path: Path) -> Iterator[ast.Call]:
    """Calls made by async functions themselves, not by functions inside them."""

    def walk(node: ast.AST) -> Iterator[ast.Call]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.Lambda | ast.AsyncFunctionDef):
                continue
            if isinstance(child, ast.Call):
                yield child
            yield from walk(child)

    for node in ast.walk(tree(path)):
        if isinstance(node, ast.AsyncFunctionDef):
            yield from walk(node)


def test_nothing_blocks_the_loop() -> None:
    for path in MODULES:
        for call in async_calls(path):
            name = name_of(call.func)
            blocking = name in BLOCKING or name.endswith((".read_bytes", ".write_bytes"))
            assert not blocking, f"{relative(path)}:{call.lineno}: {name} blocks"


@pytest.mark.parametrize("folder", service_folders(), ids=lambda folder: folder.name)
def test_same_names_in_each_service(folder: Path) -> None:
    names = {entry.stem for entry in folder.iterdir() if entry.name != "__pycache__"}
    assert names <= SERVICE_NAMES, f"{folder.name}: a file is absent, never renamed"


@pytest.mark.parametrize("folder", service_folders(), ids=lambda folder: folder.name)
def test_a_domain_is_pure(folder: Path) -> None:
    for path in (folder / "domain").rglob("*.py"):
        own = f"services.{folder.name}.domain"
        for module in imported(path, whole=True):
            allowed = module.split(".")[0] in PURE - IMPURE or module.startswith(own)
            assert allowed, f"{relative(path)} imports {module}"
        kinds = {type(node) for node in ast.walk(tree(path))}
        assert not {ast.AsyncFunctionDef, ast.Await} & kinds, f"{relative(path)} is async"
        clocks = [".now", ".utcnow", ".today", "uuid4", "uuid1"]
        assert not [hit for clock in clocks for hit in found(path, clock)], relative(path)


@pytest.mark.parametrize("folder", service_folders(), ids=lambda folder: folder.name)
def test_agents_are_short(folder: Path) -> None:
    path = folder / "agents.py"
    if not path.exists():
        return
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            assert lines <= MOST_AGENT_LINES, f"{relative(path)}: {node.name}"


def test_a_module_is_one_idea() -> None:
    for path in MODULES:
        text = path.read_text()
        size = len(text.splitlines())
        shapes_only = relative(path).startswith("contracts/")
        assert shapes_only or size <= MOST_LINES, (
            f"{relative(path)} has {size} lines: split it by meaning"
        )
        assert "migrations/versions" in relative(path) or ast.get_docstring(tree(path)), (
            f"{relative(path)} does not say why it exists"
        )


def test_no_catch_all_names() -> None:
    lazy = {"utils", "util", "common", "helpers", "helper", "manager", "base", "misc"}
    assert not [relative(path) for path in MODULES if path.stem in lazy]


def test_every_broad_except_has_its_reason() -> None:
    for path in MODULES:
        lines = path.read_text().splitlines()
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.ExceptHandler):
                continue
            caught = name_of(node.type) if node.type else "BaseException"
            passes_on = isinstance(node.body[-1], ast.Raise)
            if caught in {"Exception", "BaseException"} and not passes_on:
                beside = " ".join(lines[node.lineno - 1 : node.lineno + 1])
                assert "#" in beside, f"{relative(path)}:{node.lineno}: say why"


HOSTS = re.compile(
    "|".join(
        (
            r"py" + r"pi\.org",
            r"python" + r"hosted\.org",
            r"repo1?\.maven\.(apache\.)?org",
            r"registry\.npm" + r"js\.org",
            r"(?<![\w.])docker\.io/",
            r"(?<![\w.])ghcr\.io/",
            r"(?<![\w.])quay\.io/",
            r"--(extra-)?index" + r"-url",
        )
    )
)
MACHINE = re.compile(r"/wo" + r"rk/(main|shared|notes|\.library)" + r"|(?<![\w.])/root" + r"/")


def test_no_registry_host_nor_machine_path_is_tracked() -> None:
    for path in tracked_files():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        for pattern in (HOSTS, MACHINE):
            assert not pattern.findall(text), relative(path)


@pytest.mark.parametrize("folder", service_folders(), ids=lambda folder: folder.name)
def test_every_service_starts_the_same_way(folder: Path) -> None:
    """Settings, secrets in files, probes and exits are the process's, not the service's."""
    path = folder / "__main__.py"
    assert not path.exists() or "runtime.process" in imported(path, whole=True)


def test_every_root_is_the_root() -> None:
    """Where nothing else puts the product on the path (an image), a wrong one finds no module."""
    for path in MODULES:
        for depth in re.findall(
            r"^ROOT = Path\(__file__\)\S*parents\[(\d)\]", path.read_text(), re.M
        ):
            assert path.parents[int(depth)] == ROOT, relative(path)


def test_import_linter_holds() -> None:
    run = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_workers_start_without_what_only_apis_need() -> None:
    """It would nearly double the time of their start, and cost each 25 MB."""
    workers = ", ".join(f"services.{folder.name}.worker" for folder in service_folders())
    code = f"import sys, runtime.process, {workers}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"fastapi", "uvicorn", "pydantic"}.isdisjoint(done.stdout.split())
