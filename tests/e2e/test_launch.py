# SPDX-License-Identifier: MIT
"""`-- CMD` starts the program itself, watches it, and ends with the program's own status."""

import pytest

from interpreters import DEBIAN_PATH

CHILD = """
import os, sys, time
kept = []
for _ in range(15):
    kept.append(b"x" * 100_000)  # the leak
    time.sleep(0.1)
print("work done", flush=True)
{end}
"""


def record_child(filtrace, end, *options):
    command = [DEBIAN_PATH, "-c", CHILD.format(end=end)]
    return filtrace.run("record", "-o", "capture", *options, "--", *command)


@pytest.mark.parametrize("end, status", [
    ("sys.exit(0)", 0),
    ("sys.exit(3)", 3),
    ("os.kill(os.getpid(), 9)", 128 + 9),
    ("os.kill(os.getpid(), 15)", 128 + 15),
])
def test_status_of_the_child_is_passed_on(end, status, filtrace):
    finished = record_child(filtrace, end)
    assert finished.returncode == status, finished.stderr
    assert finished.stdout == "work done\n"


def test_child_is_seen_from_its_start(filtrace):
    finished = record_child(filtrace, "os._exit(0)", "--sample-bytes", "1")  # all is still live
    assert finished.returncode == 0, finished.stderr
    report = filtrace.report()
    assert report["target"]["exited"] is True
    leaks = [site for site in report["sites"] if (site["file"], site["line"]) == ("<string>", 5)]
    assert leaks and leaks[0]["live_bytes"] >= 10 * 100_033


def test_child_outlives_a_short_recording(filtrace):
    finished = record_child(filtrace, "sys.exit(3)", "-d", "0.5s")
    assert finished.returncode == 3, finished.stderr
    assert finished.stdout == "work done\n"


def test_missing_command_is_127(filtrace):
    finished = filtrace.run("record", "-o", "capture", "--", "/no/such/program")
    assert finished.returncode == 127
    assert "/no/such/program" in finished.stderr


def test_command_that_cannot_run_is_126(filtrace, tmp_path):
    plain_file = tmp_path / "plain"
    plain_file.write_text("no program", encoding="utf-8")
    finished = filtrace.run("record", "-o", "capture", "--", plain_file)
    assert finished.returncode == 126
    assert str(plain_file) in finished.stderr


def test_own_failure_is_125(filtrace, tmp_path):
    (tmp_path / "capture").write_text("precious", encoding="utf-8")
    finished = record_child(filtrace, "sys.exit(0)")
    assert finished.returncode == 125, finished.stderr
    assert (tmp_path / "capture").read_text(encoding="utf-8") == "precious"
