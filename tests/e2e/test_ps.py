# SPDX-License-Identifier: MIT
"""`filtrace ps` names every Python process, its version, and why it cannot be attached to."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

import jsonschema
import pytest

from images import assert_left_alone, thread_states
from interpreters import ALL, DEBIAN_PATH, OTHERS, each
from processes import FILTRACE, ROOT, wait_until
from terminal import Terminal

NOBODY = 65534
AS_NOBODY = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
# In every Python from 2.7 on.
SOURCE = ("import sys; sys.stdout.write('ready\\n'); sys.stdout.flush(); sys.stdin.read();"
          " sys.stdout.write('unharmed\\n')")
# Traces the process that is its argument, until its input ends.
TRACER = """
import ctypes, sys
PTRACE_SEIZE = 0x4206
assert ctypes.CDLL(None).ptrace(PTRACE_SEIZE, int(sys.argv[1]), 0, 0) == 0
print("ready", flush=True)
sys.stdin.read()
print("unharmed")
"""
# Sleeps and runs in turn.
RESTLESS = """
import select
print("ready", flush=True)
while not select.select([0], [], [], 1e-5)[0]:
    sum(range(5000))
print("unharmed")
"""

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
each_interpreter = each(ALL, "no Python found")


def wait_ready(process):
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.fixture
def spawn(tmp_path):
    """spawn(program, *arguments): a Python that is ready, and must end unharmed."""
    started = []

    def spawn_one(program, *arguments, source=SOURCE, **keywords):
        process = subprocess.Popen(
            [program, "-c", source, *map(str, arguments)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, cwd="/", text=True, **keywords)
        started.append(process)
        return wait_ready(process)

    yield spawn_one
    try:
        for process in reversed(started):
            assert process.communicate("", timeout=30)[0] == "unharmed\n"
    finally:
        for process in started:
            process.kill()
            process.wait()


@pytest.fixture
def public_directory():
    """A directory that every user may enter, with filtrace in it."""
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        shutil.copy(FILTRACE, os.path.join(directory, "filtrace"))
        yield pathlib.Path(directory)


def run_as_nobody(directory, *arguments):
    return subprocess.run(
        [directory / "filtrace", "ps", *arguments], cwd="/", text=True, capture_output=True,
        timeout=30, **AS_NOBODY)


def entries(finished):
    """The JSON's processes by pid."""
    assert finished.returncode == 0, finished.stderr
    document = json.loads(finished.stdout)
    schema = json.loads((ROOT / "docs/ps.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(document, schema)
    assert document["version"]
    sizes = [process["rss_bytes"] for process in document["processes"]]
    assert sizes == sorted(sizes, reverse=True)
    return {process["pid"]: process for process in document["processes"]}


def entry(filtrace, pid):
    return entries(filtrace.run("ps", "-j"))[pid]


def yama_scope():
    try:
        return int(pathlib.Path("/proc/sys/kernel/yama/ptrace_scope").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return 0


@each_interpreter
def test_every_version_is_named_and_judged(python, spawn, filtrace):
    target = spawn(python.path)
    found = entry(filtrace, target.pid)
    assert re.fullmatch(re.escape(python.version) + r"((a|b|rc)\d+)?", found["python"])
    assert found["attachable"] is python.is_supported
    if not python.is_supported:
        assert re.match(r"CPython \d\S*.* is not supported", found["reason"])
    assert found["command"] == [python.path, "-c", SOURCE]
    assert found["uid"] == os.geteuid()
    assert 1 << 20 < found["rss_bytes"] < 1 << 30
    assert 0 <= found["uptime_seconds"] < 300
    assert_left_alone(target.pid)


def test_what_is_said_to_be_attachable_can_be_attached_to(start, filtrace):
    target = start("known_sizes.py")
    assert entry(filtrace, target.pid)["attachable"]
    finished = filtrace.run("record", "-p", target.pid, "-o", "capture", "-d", "1")
    assert finished.returncode == 0, finished.stderr


def test_table_has_a_line_for_each(spawn, filtrace):
    target = spawn(DEBIAN_PATH)
    finished = filtrace.run("ps")
    assert finished.returncode == 0, finished.stderr
    head, *lines = finished.stdout.splitlines()
    assert head.split() == ["PID", "PYTHON", "USER", "RSS", "UP", "ATTACH", "COMMAND"]
    line, = [line for line in lines if line.split()[0] == str(target.pid)]
    assert line.endswith(f"{DEBIAN_PATH} -c {SOURCE}")
    assert " yes " in line


def test_table_is_cut_to_the_terminal(spawn):
    target = spawn(DEBIAN_PATH, "x" * 500)
    terminal = Terminal("ps", columns=90, lines=50)
    try:
        ending = terminal.wait_end()
        assert ending.status == 0
        line, = [line for line in terminal.raw.decode().splitlines() if f"{target.pid} " in line]
        assert len(line) <= 90 and line.endswith("…")
    finally:
        terminal.close()


def test_filtrace_itself_and_other_programs_are_not_listed(spawn, filtrace):
    target = spawn(DEBIAN_PATH)
    sleeper = subprocess.Popen(["sleep", "60"])
    tracing = filtrace.start("record", "-p", target.pid, "-o", "capture")
    try:
        wait_until((filtrace.directory / "capture").exists, "a capture")
        found = entries(filtrace.run("ps", "-j"))
        assert target.pid in found
        assert sleeper.pid not in found and tracing.process.pid not in found
    finally:
        sleeper.kill()
        sleeper.wait()
        assert tracing.interrupt().returncode == 0


def test_stopped_process_names_the_cause(spawn, filtrace):
    target = spawn(DEBIAN_PATH)
    target.send_signal(signal.SIGSTOP)
    try:
        wait_until(lambda: all(state == "T" for state, _ in thread_states(target.pid)), "stop")
        found = entry(filtrace, target.pid)
        assert not found["attachable"]
        assert found["reason"].startswith("is stopped") and "kill -CONT" in found["reason"]
    finally:
        target.send_signal(signal.SIGCONT)
    assert entry(filtrace, target.pid)["attachable"]


def test_traced_process_names_the_tracer(spawn, filtrace):
    target = spawn(DEBIAN_PATH)
    tracer = spawn(DEBIAN_PATH, target.pid, source=TRACER)
    found = entry(filtrace, target.pid)
    assert not found["attachable"]
    assert f"traced by process {tracer.pid} (python3)" in found["reason"]


def test_ended_process_names_its_parent(filtrace):
    process = subprocess.Popen([DEBIAN_PATH, "-c", ""])
    try:
        wait_until(lambda: [state for state, _ in thread_states(process.pid)] == ["Z"], "zombie")
        found = entry(filtrace, process.pid)
        assert (found["attachable"], found["command"], found["python"]) == (False, [], None)
        assert "has ended" in found["reason"] and str(os.getpid()) in found["reason"]
        assert "[python3]" in filtrace.run("ps").stdout
    finally:
        process.wait()


def test_interpreter_inside_a_program_of_another_name_is_found(spawn, filtrace, tmp_path):
    program = shutil.copy(os.path.realpath(DEBIAN_PATH), tmp_path / "server")
    target = spawn(program, env={**os.environ, "PYTHONHOME": "/usr"})
    found = entry(filtrace, target.pid)
    assert (found["name"], found["attachable"]) == ("server", True)
    assert found["python"] == next(p.version for p in ALL if p.path == DEBIAN_PATH)


@pytest.mark.skipif(not OTHERS, reason="no CPython besides /usr/bin/python3 found")
def test_libpython_inside_a_program_of_another_name_is_found(spawn, filtrace, tmp_path):
    python = OTHERS[0]
    home = pathlib.Path(os.path.realpath(python.path)).parents[1]
    program = shutil.copy(os.path.realpath(python.path), tmp_path / "host")
    target = spawn(program, env={**os.environ, "PYTHONHOME": str(home)})
    found = entry(filtrace, target.pid)
    assert (found["name"], found["python"]) == ("host", python.version)


@as_root
def test_other_user_is_told_from_the_outside(spawn, public_directory):
    target = spawn(DEBIAN_PATH)
    finished = run_as_nobody(public_directory, "-j")
    found = entries(finished)[target.pid]
    assert (found["attachable"], found["python"], found["user"]) == (False, None, "root")
    assert found["reason"] == "belongs to user root: run with sudo"
    assert found["rss_bytes"] > 1 << 20
    if finished.stderr:  # there may be no other process of root's at all
        assert re.fullmatch(r"filtrace: \d+ process(es)? of other users cannot be .*sudo.*\n",
                            finished.stderr)
    assert run_as_nobody(public_directory, "-q").stderr == ""


@as_root
def test_restless_process_is_never_missed(spawn, public_directory):
    target = spawn(DEBIAN_PATH, source=RESTLESS)
    for _ in range(100):
        assert target.pid in entries(run_as_nobody(public_directory, "-j"))


@as_root
def test_own_process_is_judged_without_privileges(spawn, public_directory):
    target = spawn(DEBIAN_PATH, **AS_NOBODY)
    found = entries(run_as_nobody(public_directory, "-j"))[target.pid]
    assert found["python"] == next(p.version for p in ALL if p.path == DEBIAN_PATH)
    assert found["attachable"] is (yama_scope() == 0)
    if yama_scope():
        assert "ptrace_scope" in found["reason"]


@as_root
def test_replaced_interpreter_names_the_cause(spawn, public_directory):
    program = shutil.copy(os.path.realpath(DEBIAN_PATH), public_directory / "python3")
    target = spawn(program, env={**os.environ, "PYTHONHOME": "/usr"}, **AS_NOBODY)
    os.unlink(program)
    found = entries(run_as_nobody(public_directory, "-j"))[target.pid]
    assert (found["attachable"], found["python"]) == (False, None)
    assert "was replaced" in found["reason"]


def test_hostile_names_print_harmless(spawn, filtrace):
    evil = "\x1b[2J\x1b]0;owned\x07\r\n\x9b31m\u202e"
    rename = "import ctypes; ctypes.CDLL(None).prctl(15, b'py\\x1b[31m\\n'); "
    target = spawn(DEBIAN_PATH, evil, source=rename + SOURCE)
    text = filtrace.run("ps").stdout
    assert str(target.pid) in text
    document = filtrace.run("ps", "-j")
    assert "owned" in entries(document)[target.pid]["command"][-1]
    for printed in (text, document.stdout):
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", printed)


def test_processes_that_end_meanwhile_are_no_error(spawn, filtrace):
    spawn(DEBIAN_PATH)
    churn = subprocess.Popen(
        ["timeout", "60", "sh", "-c",
         f"while :; do {DEBIAN_PATH} -S -c '' & {DEBIAN_PATH} -S -c ''; wait; done"],
        start_new_session=True)
    seen = set()
    try:
        for _ in range(60):
            finished = filtrace.run("ps", "-j")
            short_lived = [found for found in entries(finished).values()
                           if found["command"] == [DEBIAN_PATH, "-S", "-c", ""]]
            assert {found["reason"] for found in short_lived} <= {None}
            assert finished.stderr == "" or "other users" in finished.stderr
            seen.update(found["pid"] for found in short_lived)
        assert len(seen) > 5
    finally:
        os.killpg(churn.pid, signal.SIGKILL)
        churn.wait()


@as_root
def test_no_python_at_all_is_no_error(filtrace):
    alone = ["unshare", "--pid", "--fork", "--mount-proc", FILTRACE, "ps"]
    finished = subprocess.run(alone, capture_output=True, text=True, timeout=30)
    if "unshare:" in finished.stderr:
        pytest.skip(f"no namespaces here: {finished.stderr.strip()}")
    assert (finished.returncode, finished.stdout) == (0, "")
    assert finished.stderr == "filtrace: no Python process found\n"
    finished = subprocess.run([*alone, "-j"], capture_output=True, text=True, timeout=30)
    assert entries(finished) == {}
