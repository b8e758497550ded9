# SPDX-License-Identifier: MIT
"""Targets that gave up rights, live in namespaces of their own, or belong to ordinary users."""

import ctypes
import os
import shutil
import subprocess
import tempfile

import pytest

from images import assert_left_alone
from interpreters import DEBIAN_PATH
from processes import FILTRACE, FIXTURES, Lines, can_be_had, wait_until
from test_errors import NOBODY, assert_refused

PR_GET_MDWE = 66
HAS_MDWE = ctypes.CDLL(None).prctl(PR_GET_MDWE, 0, 0, 0, 0) >= 0

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def assert_recorded(filtrace, target, *arguments):
    """Record for a second, and find the keeper's line and name in the report."""
    finished = filtrace.run("record", "-p", target.pid, "-o", "capture", "--force",
                            "--sample-bytes", "4K", "-d", "1", *arguments)
    assert finished.returncode == 0, finished.stderr
    report = filtrace.report()
    kept = [stack for stack in report["stacks"] if stack["frames"][0]["function"] == "keep"]
    assert kept and {stack["thread"] for stack in kept} == {"keeper"}
    assert report["target"]["exited"] is False


@pytest.mark.parametrize("by", [
    "container", "service", "no-memfd", "private", "no-new-privileges",
    pytest.param("mdwe", marks=pytest.mark.skipif(not HAS_MDWE, reason="kernel before 6.3")),
])
def test_hardened_target_is_recorded_twice_and_left_alone(by, start, filtrace):
    target = start("hardened.py", "--by", by)
    assert_recorded(filtrace, target)
    assert_recorded(filtrace, target)
    assert_left_alone(target.pid)
    assert target.ask("count") >= 0


@pytest.mark.parametrize("by", ["container", "service", "no-memfd"])
def test_killed_filtrace_harms_no_hardened_target(by, start, filtrace):
    target = start("hardened.py", "--by", by)
    filtrace.record(target, "--sample-bytes", "1").kill()
    before = target.ask("count")
    wait_until(lambda: target.ask("count") != before, "progress without a tracer")
    assert_recorded(filtrace, target)
    assert_left_alone(target.pid)


def test_filter_that_would_kill_is_3_and_named(start, filtrace):
    target = start("hardened.py", "--by", "no-ppoll")
    finished = filtrace.run("record", "-p", target.pid, "-o", "capture", "-d", "1")
    assert_refused(finished, 3, target.pid, "seccomp", "ppoll")
    assert_left_alone(target.pid)


def test_harmless_filter_that_comes_late_does_not_end_the_recording(start, filtrace):
    target = start("hardened.py", "--by", "container", "--late")
    tracing = filtrace.record(target, "-d", "4")
    target.ask("harden")
    finished = tracing.finish()
    assert finished.returncode == 0, finished.stderr
    assert_left_alone(target.pid)


def test_filtrace_without_the_right_to_read_filters_is_3_and_says_so(start, filtrace):
    target = start("hardened.py", "--by", "container")
    finished = subprocess.run(
        ["setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin", FILTRACE, "record",
         "-p", str(target.pid), "-o", "capture", "-d", "1"], cwd=filtrace.directory, text=True,
        capture_output=True, timeout=60)
    assert_refused(finished, 3, target.pid, "seccomp", "SYS_ADMIN")
    assert_left_alone(target.pid)


# A namespace of users gives root's number without root's rights.
PLACES = {
    "pid namespace": ["unshare", "--pid", "--fork", "--mount-proc"],
    "user namespace": ["unshare", "--user", "--map-root-user"],
    "mount namespace": ["unshare", "--mount"],
    "all namespaces": ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc",
                       "--net", "--ipc", "--uts", "--cgroup"],
}


def need(place):
    if not can_be_had(*PLACES[place]):
        pytest.skip(f"no {place} can be made here")


@pytest.mark.parametrize("place", PLACES)
def test_target_in_other_namespaces_is_recorded_with_names(place, start, filtrace):
    need(place)
    target = start("hardened.py", prefix=PLACES[place])
    assert_recorded(filtrace, target)
    filtrace.record(target, "--sample-bytes", "1", "--force").kill()
    assert_recorded(filtrace, target)
    assert_left_alone(target.pid)


def test_target_with_a_root_directory_of_its_own_is_recorded(start, filtrace, tmp_path):
    need("mount namespace")
    root = tmp_path / "root"
    root.mkdir()
    script = f"mount --rbind / {root} && exec chroot {root} \"$@\""
    target = start("hardened.py", prefix=["unshare", "--mount", "sh", "-c", script, "sh"])
    assert_recorded(filtrace, target)
    assert_left_alone(target.pid)


@pytest.fixture
def nobody():
    """nobody(command ..): what an ordinary user runs, in a directory of that user's own."""
    started = []
    with tempfile.TemporaryDirectory() as directory:
        shutil.copytree(FIXTURES, f"{directory}/fixtures")
        shutil.copy(FILTRACE, f"{directory}/filtrace")
        os.mkdir(f"{directory}/work")
        os.chmod(directory, 0o755)
        os.chown(f"{directory}/work", NOBODY, NOBODY)

        def run(*command):
            started.append(subprocess.Popen(
                command, cwd=f"{directory}/work", user=NOBODY, group=NOBODY, extra_groups=[],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
            return started[-1]

        yield run
        for process in started:
            process.kill()
            process.communicate()


@pytest.mark.parametrize("place", [None, "user namespace"], ids=["user", "root of a namespace"])
def test_ordinary_user_records_a_process_of_that_user(place, nobody):
    """Attach, be killed, attach again: in one shell, so that the namespace is the same."""
    if place:
        need(place)
    script = """
        set -eu
        %s -B ../fixtures/hardened.py --seconds 60 < fifo &
        target=$!
        exec 3> fifo
        record="../filtrace record -p $target -o capture --force --sample-bytes 4K"
        while ! grep -q keeper /proc/$target/task/*/comm; do sleep 0.05; done
        $record -d 1
        $record & sleep 1.5; kill -KILL $!; wait $! || true
        $record -d 1
        ../filtrace report capture -f json
        exec 3>&-
        wait $target
    """ % DEBIAN_PATH
    shell = nobody(*PLACES.get(place, ()), "sh", "-c", "mkfifo fifo;" + script)
    stdout, stderr = shell.communicate(timeout=60)
    assert shell.returncode == 0, stderr
    assert stdout.endswith("\n") and "unharmed" in stdout, stderr
    assert '"thread":"keeper"' in stdout


def test_private_process_is_3_for_an_ordinary_user(nobody):
    target = nobody(DEBIAN_PATH, "-B", "../fixtures/hardened.py", "--by", "private")
    Lines(target.stdout).next()
    tracing = nobody("../filtrace", "record", "-p", str(target.pid), "-o", "capture", "-d", "1")
    stdout, stderr = tracing.communicate(timeout=60)
    finished = subprocess.CompletedProcess([], tracing.returncode, stdout, stderr)
    assert_refused(finished, 3, target.pid, "private")
    assert target.communicate(timeout=30)[0].startswith("unharmed")
