# SPDX-License-Identifier: MIT
"""What cannot be done is refused with the right status and one clear sentence, touching nobody."""

import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from images import assert_left_alone
from interpreters import each_unsupported
from processes import FILTRACE, wait_until

NOBODY = 65534


def assert_refused(finished, status, *words):
    """Assert the status and one sentence on standard error that holds all the words."""
    assert finished.returncode == status, finished.stderr
    assert finished.stdout == ""
    lines = finished.stderr.splitlines()
    assert len(lines) == 1, finished.stderr
    assert lines[0].startswith("filtrace: ") and len(lines[0]) < 300
    for word in words:
        assert str(word).lower() in lines[0].lower(), finished.stderr


def ended_pid():
    """A process id that was just in use and is not any more."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


@pytest.fixture
def target(start):
    result = start("known_sizes.py")
    yield result
    assert_left_alone(result.pid)
    assert result.ask("allocate")["sites"]


@pytest.mark.parametrize("verb", [
    [], ["record", "-o", "capture"], ["check", "--max-growth", "1M/min"]])
def test_missing_process_is_4(verb, filtrace, tmp_path):
    pid = ended_pid()
    assert_refused(filtrace.run(*verb, "-p", pid), 4, pid)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_process_of_another_user_is_3(target):
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o777)
        program = shutil.copy(FILTRACE, directory)
        finished = subprocess.run(
            [program, "record", "-p", str(target.pid), "-o", "capture"], cwd=directory, text=True,
            capture_output=True, timeout=30, user=NOBODY, group=NOBODY, extra_groups=[])
        assert_refused(finished, 3, target.pid)
        assert os.listdir(directory) == [os.path.basename(FILTRACE)]


def test_other_program_is_5(filtrace):
    process = subprocess.Popen(["sleep", "60"])
    try:
        wait_until(lambda: b"sleep" in pathlib.Path(f"/proc/{process.pid}/cmdline").read_bytes(),
                   "exec of sleep")
        assert_refused(filtrace.run("-p", process.pid), 5, process.pid)
        assert_left_alone(process.pid)
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()


@each_unsupported
def test_unsupported_version_is_5_and_named(python, filtrace):
    name = "CPython " + (".".join(map(str, python.minor)) if python.minor >= (3,) else "2")
    source = "import sys; print('ready'); sys.stdout.flush(); sys.stdin.read(); print('unharmed')"
    process = subprocess.Popen(
        [python.path, "-c", source], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "ready\n"
        assert_refused(filtrace.run("-p", process.pid), 5, name)
        assert_left_alone(process.pid)
        assert process.communicate("", timeout=30)[0] == "unharmed\n"
    finally:
        process.kill()
        process.wait()


def test_unwritable_file_is_8(target, filtrace):
    finished = filtrace.run("record", "-p", target.pid, "-o", "missing/capture", "-d", "1")
    assert_refused(finished, 8, "missing/capture")


def test_directory_as_file_is_8(target, filtrace, tmp_path):
    (tmp_path / "capture").mkdir()
    finished = filtrace.run("record", "-p", target.pid, "-o", "capture", "--force", "-d", "1")
    assert_refused(finished, 8, "capture")


def test_existing_file_is_kept_unless_forced(target, filtrace, tmp_path):
    capture = tmp_path / "capture"
    capture.write_text("precious", encoding="utf-8")
    finished = filtrace.run("record", "-p", target.pid, "-o", "capture", "-d", "1")
    assert_refused(finished, 8, "capture", "--force")
    assert capture.read_text(encoding="utf-8") == "precious"

    forced = filtrace.run("record", "-p", target.pid, "-o", "capture", "-d", "1", "--force")
    assert forced.returncode == 0, forced.stderr
    assert filtrace.report()["target"]["pid"] == target.pid


def test_symlink_is_not_followed(target, filtrace, tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("precious", encoding="utf-8")
    (tmp_path / "capture").symlink_to(precious)
    finished = filtrace.run("record", "-p", target.pid, "-o", "capture", "-d", "1")
    assert_refused(finished, 8, "capture")
    assert precious.read_text(encoding="utf-8") == "precious"


@pytest.mark.parametrize("content", [b"", b"no capture at all\n" * 100, b"SQLite format 3\0" * 64])
def test_damaged_capture_is_8(content, filtrace, tmp_path):
    (tmp_path / "capture").write_bytes(content)
    assert_refused(filtrace.run("report", "capture"), 8, "capture")


def test_missing_capture_is_8(filtrace):
    assert_refused(filtrace.run("report", "capture"), 8, "capture")


def test_second_tracer_is_refused_and_the_first_goes_on(target, filtrace):
    first = filtrace.record(target, "--sample-bytes", "1")
    finished = filtrace.run("record", "-p", target.pid, "-o", "second", "-d", "1")
    assert_refused(finished, 3, target.pid)
    target.ask("allocate")
    assert first.interrupt().returncode == 0
    assert filtrace.report()["sites"]


@pytest.mark.parametrize("arguments, word", [
    ([], "-p PID"),
    (["record", "-p", "1"], "-o"),
    (["check", "-p", "1"], "--max-growth"),
    (["report"], "capture"),
    (["-p", "none"], "none"),
    (["-p", "-1"], "-1"),
    (["-p", "1,2"], "1,2"),
    (["-p", "1", "-p", "2"], "2"),
    (["-p", "1", "--", "true"], "command"),
    (["-p", "1", "-d", "soon"], "soon"),
    (["-p", "1", "--sample-bytes", "0"], "sample-bytes"),
    (["-p", "1", "--budget", "200"], "budget"),
    (["check", "-p", "1", "--max-growth", "1M"], "1M"),
    (["report", "capture", "-f", "svg"], "svg"),
    (["report", "one", "two"], "two"),
    (["report", "capture", "--source"], "-f html"),
    (["report", "capture", "-f", "html", "--source", "--redact"], "--redact"),
    (["ps", "12"], "12"),
    (["ps", "--", "true"], "command"),
    (["unstick"], "-p PID"),
    (["doctor", "--", "true"], "command"),
])
def test_wrong_usage_is_2(arguments, word, filtrace):
    assert_refused(filtrace.run(*arguments), 2, word)


@pytest.mark.parametrize("arguments, word", [
    (["-p", "1", "--no-such-option"], "--no-such-option"),
    (["-p", "1", "-Z"], "-Z"),
    (["-p", "1", "-s"], "-s"),
    (["-p", "1", "--subprocesses"], "--subprocesses"),
    (["-p", "1", "-n"], "-n"),
    (["-p", "1", "--native"], "--native"),
    (["-p", "1", "--stop=signal"], "signal"),
    (["-p", "1", "--min-age", "5m"], "--min-age"),
    (["-p", "1", "--only", "*"], "--only"),
    (["-p", "1", "--max-growth", "1M/min"], "--max-growth"),
    (["record", "-p", "1", "-o", "x", "--warmup", "5"], "--warmup"),
    (["compare", "old", "new"], "compare"),
    (["diff", "old", "new", "-f", "html", "--source"], "--source"),
    (["view", "capture", "-f", "html"], "-f"),
    (["ps", "-p", "1"], "-p"),
    (["ps", "--verbose"], "--verbose"),
    (["unstick", "-p", "1", "-j"], "-j"),
    (["doctor", "--budget", "1"], "--budget"),
])
def test_unknown_option_or_verb_is_2(arguments, word, filtrace):
    assert_refused(filtrace.run(*arguments), 2, word)


def test_help_and_version_are_data(filtrace):
    for arguments, word in ((["--help"], "--sample-bytes"), (["--version"], "filtrace ")):
        finished = filtrace.run(*arguments)
        assert (finished.returncode, finished.stderr) == (0, "")
        assert word in finished.stdout
