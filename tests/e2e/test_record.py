# SPDX-License-Identifier: MIT
"""A recording lasts as long as asked, is readable at any moment, and reports by its schema."""

import json
import os
import stat
import subprocess
import time

import jsonschema
import pytest

from processes import ROOT, wait_until


def schema(name):
    return json.loads((ROOT / "docs" / f"{name}.schema.json").read_text(encoding="utf-8"))


def query(path, sql):
    """Ask a capture as a person would, with the sqlite3 command."""
    finished = subprocess.run(
        ["sqlite3", "-readonly", path, sql], capture_output=True, text=True, timeout=30)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.strip()


def has_sites(path):
    """Tell whether the capture can be read and holds something. (Without -readonly, sqlite3 would
    make the file if it is not there yet, and filtrace would not overwrite that.)"""
    finished = subprocess.run(["sqlite3", "-readonly", path, "select count(*) from sites"],
                              capture_output=True, text=True)
    return finished.returncode == 0 and int(finished.stdout) > 0


# Some hundred stops a second on this server: in a second, several samples of the leaking line.
FINE = ("--sample-bytes", "1K")


@pytest.fixture
def server(start, traffic):
    result = start("http_leak.py")
    traffic(result, seconds=60, rate=20)
    return result


@pytest.mark.alone
def test_duration_means_what_it_says(server, filtrace, tmp_path):
    started = time.monotonic()
    finished = filtrace.run("record", "-p", server.pid, "-o", "capture", "-d", "5", *FINE)
    elapsed = time.monotonic() - started

    assert finished.returncode == 0, finished.stderr
    assert 5 <= elapsed < 7
    assert finished.stdout == ""
    last = finished.stderr.strip().splitlines()[-1]
    assert "capture" in last and f"detached, {server.pid} runs on" in last
    assert 4.5 < filtrace.report()["capture"]["seconds"] < 6
    assert query(tmp_path / "capture", "pragma integrity_check") == "ok"
    assert int(query(tmp_path / "capture", "select count(*) from sites")) > 0
    assert stat.S_IMODE(os.stat(tmp_path / "capture").st_mode) == 0o600
    assert not list(tmp_path.glob("capture-*"))  # one file, and only one


def test_report_satisfies_its_schema(server, filtrace):
    finished = filtrace.run("record", "-p", server.pid, "-o", "capture", "-d", "3", "-j", *FINE)
    assert finished.returncode == 0, finished.stderr
    report = filtrace.report()
    for document in (report, json.loads(finished.stdout)):
        jsonschema.validate(document, schema("report"))
        assert document["target"]["pid"] == server.pid
        assert document["sites"] and document["stacks"]
    for part in ("sites", "stacks"):
        live = [entry["live_bytes"] for entry in report[part]]
        assert live == sorted(live, reverse=True)


def test_text_report_shows_the_leaking_line(server, filtrace, tmp_path):
    finished = filtrace.run("record", "-p", server.pid, "-o", "capture", "-d", "4", *FINE)
    assert finished.returncode == 0, finished.stderr
    printed = filtrace.run("report", "capture")
    assert printed.returncode == 0, printed.stderr
    truth = server.truth()
    assert f"{os.path.basename(truth['file'])}:{truth['line']}" in printed.stdout
    assert all(len(line) <= 100 for line in printed.stdout.splitlines())

    written = filtrace.run("report", "capture", "-f", "text", "-o", "report.txt")
    assert (written.returncode, written.stdout) == (0, "")
    assert (tmp_path / "report.txt").read_text(encoding="utf-8") == printed.stdout


def test_capture_is_readable_while_written_and_after_kill(server, filtrace, tmp_path):
    tracing = filtrace.record(server, *FINE)
    wait_until(lambda: has_sites(tmp_path / "capture"), "rows in the capture", pause=0.2)
    assert tracing.process.poll() is None
    tracing.kill()

    assert query(tmp_path / "capture", "pragma integrity_check") == "ok"
    assert has_sites(tmp_path / "capture")
    report = filtrace.report()
    jsonschema.validate(report, schema("report"))
    assert report["sites"]


def test_target_that_ends_leaves_a_capture(start, filtrace, tmp_path):
    target = start("known_sizes.py")
    tracing = filtrace.record(target, "--sample-bytes", "1")
    target.ask("allocate")
    wait_until(lambda: has_sites(tmp_path / "capture"), "rows in the capture", pause=0.2)
    target.kill()  # without freeing anything
    finished = tracing.finish()
    assert finished.returncode == 0, finished.stderr
    report = filtrace.report()
    assert report["target"]["exited"] is True and report["sites"]


def test_output_name_takes_the_pid(server, filtrace, tmp_path):
    finished = filtrace.run("record", "-p", server.pid, "-o", "leak-%p", "-d", "1")
    assert finished.returncode == 0, finished.stderr
    assert (tmp_path / f"leak-{server.pid}").exists()


def test_plain_text_when_no_terminal(server, filtrace):
    finished = filtrace.run("-p", server.pid, "-d", "4", *FINE)
    assert finished.returncode == 0, finished.stderr
    truth = server.truth()
    assert f"{os.path.basename(truth['file'])}:{truth['line']}" in finished.stdout
    assert "\x1b" not in finished.stdout
