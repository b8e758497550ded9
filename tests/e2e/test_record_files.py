# SPDX-License-Identifier: MIT
"""A recording and its file: how far it is, rotation, being cut off, damage, a full disk."""

import itertools
import json
import os
import re
import resource
import shlex
import shutil
import signal
import subprocess
import time

import pexpect
import pytest

from images import assert_left_alone
from processes import FILTRACE, IS_SANITIZED, ROOT, Lines, wait_until
from terminal import Terminal

FINE = ("--sample-bytes", "1K")
REPORT_BYTES_MAX = 512 << 20


def query(path, sql):
    """Ask a capture as a person would; None if it cannot be answered now."""
    finished = subprocess.run(["sqlite3", "-readonly", path, sql], capture_output=True, text=True,
                              timeout=30)
    return finished.stdout.strip() if finished.returncode == 0 else None


def written_until(path):
    """Of which second the capture tells, as of now; 0 if of none."""
    return float(query(path, "select value from meta where key = 'seconds'") or 0)


def wait_written(path, after=0.0):
    return wait_until(lambda: (now := written_until(path)) > after and now,
                      f"something later than {after} s in {path}", pause=0.01)


@pytest.fixture
def target(start, traffic):
    server = start("http_leak.py")
    traffic(server, seconds=60, rate=40)
    return server


@pytest.fixture
def capture(target, filtrace, tmp_path):
    """A capture that ended in order."""
    finished = filtrace.run("record", "-p", target.pid, "-o", "capture", "-d", "2", *FINE)
    assert finished.returncode == 0, finished.stderr
    return tmp_path / "capture"


# -- how far it is --

@pytest.mark.parametrize("columns", [100, 40])
def test_progress_is_one_line_of_a_terminal(target, tmp_path, columns):
    terminal = Terminal("record", "-p", target.pid, "-o", "capture", "-d", "4", *FINE,
                        columns=columns, directory=tmp_path)
    words = [" s, ", "samples"]
    screen = terminal.wait_for(*words + (["live", "/min", "file "] if columns > 80 else []))
    assert sum("samples" in line for line in screen.splitlines()) == 1
    screen = terminal.wait_for("status 0", seconds=60)
    assert sum("samples" in line for line in screen.splitlines()) == 1  # of the last line
    terminal.shell.close()


def test_without_a_terminal_little_is_said(target, filtrace):
    finished = filtrace.run("record", "-p", target.pid, "-o", "capture", "-d", "3", *FINE)
    assert finished.returncode == 0, finished.stderr
    assert len(finished.stderr.splitlines()) == 2, finished.stderr


@pytest.mark.alone
def test_usr1_writes_at_once_and_folds_the_log_in(target, filtrace, tmp_path):
    tracing = filtrace.record(target, *FINE)
    path = tmp_path / "capture"
    waits = []
    for _ in range(5):
        wait_written(path, after=written_until(path))
        asked, before = time.monotonic(), written_until(path)
        tracing.process.send_signal(signal.SIGUSR1)
        wait_written(path, after=before)
        waits.append(time.monotonic() - asked)
    # Left alone, it writes once in a second, and would have just done so.
    assert min(waits) < 0.6, waits
    finished = tracing.interrupt()
    assert finished.returncode == 0, finished.stderr
    assert finished.stderr.count("capture: written until") == 5


# -- rotation --

def report_of(filtrace, path):
    """The report of one file on its own, copied to where nothing lies beside it."""
    alone = filtrace.directory / "alone"
    alone.mkdir(exist_ok=True)
    shutil.copy(path, alone / path.name)
    return filtrace.report(alone / path.name)


def hang_up(tracing):
    tracing.process.send_signal(signal.SIGHUP)


def test_hup_makes_way_under_numbers(target, filtrace, tmp_path):
    tracing = filtrace.record(target, "--rotate", *FINE)
    path = tmp_path / "capture"
    (tmp_path / "capture.2").write_text("somebody's", encoding="ascii")
    for number in (1, 3):  # 2 is taken
        wait_written(path)
        hang_up(tracing)
        wait_until((tmp_path / f"capture.{number}").exists, f"capture.{number}")
    last = wait_written(path)
    finished = tracing.interrupt()

    assert finished.returncode == 0, finished.stderr
    reports = [report_of(filtrace, tmp_path / name)
               for name in ("capture.1", "capture.3", "capture")]
    seconds = [report["capture"]["seconds"] for report in reports]
    assert seconds == sorted(seconds) and 0 < seconds[0] and last <= seconds[2]
    assert all(report["sites"] and not report["capture"]["unfinished"] for report in reports)
    assert len({report["capture"]["start"] for report in reports}) == 1
    assert (tmp_path / "capture.2").read_text(encoding="ascii") == "somebody's"
    assert sorted(path.name for path in tmp_path.glob("capture*")) == [
        "capture", "capture.1", "capture.2", "capture.3"]


def test_hup_reopens_the_name_that_logrotate_moved_away(target, filtrace, tmp_path):
    tracing = filtrace.record(target, "--rotate", *FINE)
    path = tmp_path / "capture"
    for number, makes_new in enumerate((False, True)):  # logrotate's nocreate and create
        wait_written(path)
        path.rename(tmp_path / f"old-{number}")
        if makes_new:
            path.touch(mode=0o600)
        hang_up(tracing)
        wait_written(path)
    finished = tracing.interrupt()
    assert finished.returncode == 0, finished.stderr
    assert finished.stderr.count("what was capture is whole; going on in capture") == 2
    for name in ("old-0", "old-1", "capture"):
        report = report_of(filtrace, tmp_path / name)
        assert report["sites"] and not report["capture"]["unfinished"]
    assert not list(tmp_path.glob("*-wal")) and not list(tmp_path.glob("*-shm"))


def test_hup_begins_a_file_of_the_pattern(target, filtrace, tmp_path):
    tracing = filtrace.record(target, "--rotate", *FINE, file="leak-%p-%t")
    first = wait_until(lambda: list(tmp_path.glob("leak-*Z")), "the first file")[0]
    wait_written(first)
    begun = int(time.time())
    wait_until(lambda: int(time.time()) > begun, "another second, and so another name")
    hang_up(tracing)
    second = wait_until(lambda: set(tmp_path.glob("leak-*Z")) - {first}, "a new file").pop()
    wait_written(second)
    finished = tracing.interrupt()
    assert finished.returncode == 0, finished.stderr
    assert f"leak-{target.pid}-" in first.name
    assert all(report_of(filtrace, path)["sites"] for path in (first, second))


def test_no_file_is_overwritten_by_rotation(target, filtrace, tmp_path):
    tracing = filtrace.record(target, "--rotate", *FINE)
    path = tmp_path / "capture"
    wait_written(path)
    path.rename(tmp_path / "old")
    path.write_text("somebody's", encoding="ascii")
    hang_up(tracing)
    said = Lines(tracing.process.stderr)
    refusal = "capture exists; --force overwrites it; capture goes on"
    wait_until(lambda: refusal in said.next(), "the refusal")
    finished = tracing.interrupt()
    assert finished.returncode == 0, finished.stderr
    assert "capture was moved away" in finished.stderr
    assert path.read_text(encoding="ascii") == "somebody's"
    report = report_of(filtrace, tmp_path / "old")
    assert report["capture"]["unfinished"] is False and report["sites"]


def test_hup_without_rotate_ends_the_recording(target, filtrace, tmp_path):
    tracing = filtrace.record(target, *FINE)
    wait_written(tmp_path / "capture")
    hang_up(tracing)
    finished = tracing.finish()
    assert finished.returncode == 0, finished.stderr
    assert "detached" in finished.stderr.splitlines()[-1]
    assert_left_alone(target.pid)


@pytest.mark.parametrize("shell", [
    (), ("/bin/sh", "-c", '"$0" "$@"; true'), ("/bin/bash", "--norc", "-ic", '"$0" "$@" & wait')],
    ids=["alone", "in a shell", "told by a shell"])
def test_a_terminal_that_goes_away_ends_the_recording_all_the_same(
        target, filtrace, tmp_path, shell):
    command = [*shell, FILTRACE, "record", "--rotate", "-p", str(target.pid), "-o", "capture",
               *FINE]
    terminal = pexpect.spawn(command[0], command[1:], cwd=tmp_path)
    wait_written(tmp_path / "capture")
    os.close(terminal.child_fd)
    terminal.closed = True
    wait_until(lambda: not list(tmp_path.glob("capture-*")), "the end of the recording")
    assert_left_alone(target.pid)
    assert [path.name for path in tmp_path.glob("capture*")] == ["capture"]
    assert filtrace.report()["capture"]["unfinished"] is False


# -- cut off --

def test_what_was_cut_off_is_readable_and_says_so(target, filtrace, tmp_path):
    tracing = filtrace.record(target, *FINE)
    path = tmp_path / "capture"
    seconds = wait_written(path, after=2.0)
    tracing.kill()

    report = filtrace.report()
    assert report["capture"]["unfinished"] is True and report["sites"]
    assert report["capture"]["seconds"] >= seconds
    text = filtrace.run("report", "capture")
    assert text.returncode == 0 and "the recording has not ended" in text.stdout
    csv = filtrace.run("report", "capture", "-f", "csv")
    assert csv.returncode == 0 and "the recording has not ended" in csv.stderr
    page = filtrace.run("report", "capture", "-f", "html")
    assert page.returncode == 0 and '"unfinished":true' in page.stdout
    diff = filtrace.run("diff", "capture", "capture")
    assert diff.returncode == 0 and diff.stderr.count("the recording has not ended") == 2


def test_what_ended_in_order_says_nothing(capture, filtrace):
    assert filtrace.report()["capture"]["unfinished"] is False
    for form in ("text", "csv"):
        printed = filtrace.run("report", capture, "-f", form)
        assert "has not ended" not in printed.stdout + printed.stderr
    assert '"unfinished":false' in filtrace.run("report", capture, "-f", "html").stdout
    assert "has not ended" not in filtrace.run("diff", capture, capture).stderr


def test_what_lies_beside_a_file_matters_only_if_it_belongs_to_it(target, filtrace, tmp_path):
    tracing = filtrace.record(target, *FINE)
    path = tmp_path / "capture"
    wait_written(path, after=2.0)
    tracing.kill()
    whole = filtrace.report()
    (tmp_path / "capture-shm").unlink()
    assert filtrace.report() == whole
    (tmp_path / "capture-shm").write_bytes(os.urandom(32768))
    assert filtrace.report() == whole

    path.unlink()  # and what lies beside it stays
    assert (tmp_path / "capture-wal").exists()
    (tmp_path / "capture-journal").write_bytes(os.urandom(4096))
    finished = filtrace.run("record", "-p", target.pid, "-o", "capture", "-d", "1.5", *FINE)
    assert finished.returncode == 0, finished.stderr
    assert filtrace.report()["capture"]["seconds"] < 2
    assert query(path, "pragma integrity_check") == "ok"
    assert [path.name for path in tmp_path.glob("capture*")] == ["capture"]


def test_a_file_that_is_deleted_ends_the_recording(target, filtrace, tmp_path):
    tracing = filtrace.record(target, *FINE)
    wait_written(tmp_path / "capture")
    for path in tmp_path.glob("capture*"):
        path.unlink()
    finished = tracing.finish()
    assert finished.returncode == 8, finished.stderr
    *_, farewell, sentence = finished.stderr.splitlines()
    assert f"detached, {target.pid} runs on" in farewell
    assert "was deleted while it was being written" in sentence
    assert_left_alone(target.pid)


def test_a_file_that_can_no_longer_be_written_ends_the_recording(target, filtrace, tmp_path):
    tracing = filtrace.record(target, *FINE)
    wait_written(tmp_path / "capture")
    log = tmp_path / "capture-wal"
    if subprocess.run(["chattr", "+i", log], capture_output=True).returncode != 0:
        pytest.skip("no file can be made immutable here")
    try:
        finished = tracing.finish()
        report = filtrace.report()
    finally:
        subprocess.run(["chattr", "-i", log], check=True)
    assert finished.returncode == 8, finished.stderr
    *_, farewell, sentence = finished.stderr.splitlines()
    assert f"detached, {target.pid} runs on" in farewell
    assert "disk I/O error" in sentence and "it holds all until" in sentence
    assert report["sites"] and report["capture"]["unfinished"] is True
    assert_left_alone(target.pid)


@pytest.fixture
def small_disk(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=200k", "filtrace-test", disk]
    mounted = subprocess.run(command, capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def test_a_full_disk_ends_the_recording_and_keeps_what_it_has(target, filtrace, small_disk):
    path = small_disk / "capture"
    tracing = filtrace.record(target, *FINE, file=path)
    finished = tracing.finish()
    assert finished.returncode == 8, finished.stderr
    *_, farewell, sentence = finished.stderr.splitlines()
    assert f"detached, {target.pid} runs on" in farewell
    told = re.search(r"capture: the disk is full; it holds all until (\d+) s$", sentence)
    assert told, sentence
    assert_left_alone(target.pid)

    report = filtrace.report(path)
    assert report["sites"] and report["capture"]["unfinished"] is True
    assert abs(report["capture"]["seconds"] - int(told.group(1))) <= 0.5
    assert query(path, "pragma integrity_check") == "ok"


# -- damaged --

def bound_memory():
    if not IS_SANITIZED:  # they map terabytes
        resource.setrlimit(resource.RLIMIT_AS, (REPORT_BYTES_MAX, REPORT_BYTES_MAX))


FORMATS = ("json", "text", "csv", "collapsed", "speedscope", "pprof", "html")


def readings(path, whole):
    """Whatever reads a capture, in turns without end: `path`, beside a whole one."""
    return itertools.cycle([
        *(("report", path, "-f", form) for form in FORMATS), ("view", path),
        ("diff", whole, path), ("diff", path, whole, "-f", "html")])


def is_data(reading):
    """Tell whether a reading gave data; if not, it must have ended in one sentence."""
    finished = subprocess.run(
        [FILTRACE, *reading], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        timeout=60, preexec_fn=bound_memory)
    said = finished.stderr.decode().splitlines()
    assert all(line.startswith("filtrace: ") for line in said), finished
    if finished.returncode == 0:
        assert finished.stdout or "csv" in reading or "collapsed" in reading, finished
        if "json" in reading:
            json.loads(finished.stdout)
        return True
    assert finished.returncode == 8, finished
    assert not finished.stdout and len(said) == 1, finished
    return False


STEP = 100 if not IS_SANITIZED else 1000


def test_a_capture_with_a_flipped_byte_is_data_or_one_sentence(capture, tmp_path):
    whole = capture.read_bytes()
    damaged = tmp_path / "damaged"
    reading = readings(damaged, capture)
    outcomes = set()
    for position in range(0, len(whole), STEP):
        content = bytearray(whole)
        content[position] ^= 0xff
        damaged.write_bytes(content)
        outcomes.add(is_data(next(reading)))
    for phase in range(0, 100, STEP // 10):  # every hundredth byte at once
        content = bytearray(whole)
        for position in range(phase, len(whole), 100):
            content[position] ^= 0xff
        damaged.write_bytes(content)
        outcomes.add(is_data(next(reading)))
    assert outcomes == {True, False}


def test_a_truncated_capture_is_data_or_one_sentence(capture, tmp_path):
    whole = capture.read_bytes()
    damaged = tmp_path / "damaged"
    reading = readings(damaged, capture)
    for length in range(0, len(whole), 5 * STEP):
        damaged.write_bytes(whole[:length])
        is_data(next(reading))


def test_a_killed_recording_with_a_damaged_log_is_data_or_one_sentence(
        target, filtrace, tmp_path):
    tracing = filtrace.record(target, *FINE)
    wait_written(tmp_path / "capture", after=2.0)
    tracing.kill()
    file, log = ((tmp_path / name).read_bytes() for name in ("capture", "capture-wal"))
    damaged = tmp_path / "damaged"
    damaged_log, index = tmp_path / "damaged-wal", tmp_path / "damaged-shm"
    damaged.write_bytes(file)
    reading = readings(damaged, tmp_path / "capture")

    def outcome(content):
        damaged_log.write_bytes(content)
        index.unlink(missing_ok=True)
        return is_data(next(reading))

    assert outcome(log)
    outcomes = {outcome(log[:length]) for length in range(0, len(log), 5 * STEP)}
    for position in range(0, len(log), 5 * STEP):
        outcomes.add(outcome(log[:position] + bytes([log[position] ^ 0xff]) + log[position + 1:]))
    assert outcomes == {True, False}


# -- the questions of the man page --

def questions():
    """The sqlite3 commands of filtrace-record(1), each as it stands there."""
    page = (ROOT / "docs/man/filtrace-record.1.md").read_text(encoding="utf-8")
    indented = re.findall(r"(?:^    .*\n)+", page, re.MULTILINE)
    return [block.strip() for block in indented if block.strip().startswith("sqlite3 ")]


def test_the_documented_questions_are_answered(target, filtrace, tmp_path):
    finished = filtrace.run("record", "-p", target.pid, "-o", "leak.filtrace", "-d", "4", *FINE)
    assert finished.returncode == 0, finished.stderr
    answers = []
    for command in questions():
        answered = subprocess.run(shlex.split(command), cwd=tmp_path, capture_output=True,
                                  text=True, timeout=30)
        assert (answered.returncode, answered.stderr) == (0, ""), command
        answers.append(answered.stdout)
    truth = target.truth()
    assert len(answers) == 3
    for answer in answers:
        assert os.path.basename(truth["file"]) in answer and str(truth["line"]) in answer
