# SPDX-License-Identifier: MIT
"""`filtrace doctor` tells what stands in the way of attaching, the fix, and touches nobody."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess

import jsonschema
import pytest

from images import assert_left_alone, is_gated, thread_states
from interpreters import DEBIAN_PATH, each_supported, each_unsupported
from processes import FILTRACE, ROOT, address_sanitizer, wait_until
from test_ps import AS_NOBODY, SOURCE, TRACER, as_root, public_directory, spawn  # noqa: F401

CHECKS = ["/proc", "process", "pid namespace", "stopped", "tracer", "user", "capability",
          "user namespace", "dumpable", "yama", "own seccomp", "policy", "memory", "seccomp",
          "kernel", "machine", "files", "C library", "Python", "filtrace"]
# A sanitizer's search for leaks needs ptrace itself, which these runs do not have.
NO_LEAK_SEARCH = {**os.environ, **address_sanitizer("detect_leaks=0")}
PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
SYS_PTRACE = 101

# Executes its arguments under a seccomp filter that refuses ptrace(2) with EPERM.
WITHOUT_PTRACE = f"""
import ctypes, os, struct, sys
code = [(0x20, 0, 0, 0),               # load the number of the system call
        (0x15, 0, 1, {SYS_PTRACE}),    # is it ptrace?
        (0x06, 0, 0, 0x00050001),      # yes: EPERM
        (0x06, 0, 0, 0x7fff0000)]      # no: go on
buffer = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *i) for i in code))
program = ctypes.create_string_buffer(
    struct.pack("<HxxxxxxQ", len(code), ctypes.addressof(buffer)))
libc = ctypes.CDLL(None)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl({PR_SET_SECCOMP}, 2, program) == 0
os.execv(sys.argv[1], sys.argv[1:])
"""


def diagnosis(finished):
    """The JSON of a run, after it was checked against the schema and the exit status."""
    document = json.loads(finished.stdout)
    schema = json.loads((ROOT / "docs/doctor.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(document, schema)
    assert finished.returncode == document["code"], finished.stderr
    assert finished.stderr == ""
    return document


def examine(filtrace, pid):
    return diagnosis(filtrace.run("doctor", "-j", "-p", pid))


def run_doctor(*command, **keywords):
    return subprocess.run([*map(str, command)], cwd="/", text=True, capture_output=True,
                          timeout=30, **keywords)


def examine_as_nobody(directory, pid):
    return diagnosis(run_doctor(directory / "filtrace", "doctor", "-j", "-p", pid, **AS_NOBODY))


def refusals(document):
    return [check["name"] for check in document["checks"] if check["state"] == "no"]


def text_of(document, name):
    return next(check["text"] for check in document["checks"] if check["name"] == name)


def assert_refused(document, code, cause, check):
    """Assert the status, the cause, and the first check that says no."""
    found = document["cause"]["name"] if document["cause"] else None
    assert (document["code"], found) == (code, cause)
    assert refusals(document)[0] == check


@each_supported
def test_attachable_process_has_nothing_in_the_way(python, start, filtrace):
    target = start("loop.py", python=python.path)
    document = examine(filtrace, target.pid)
    assert (document["verdict"], refusals(document)) == ("attachable", [])
    assert [check["name"] for check in document["checks"]] == CHECKS
    assert {check["state"] for check in document["checks"]} == {"ok"}
    assert text_of(document, "Python").startswith(f"CPython {python.version.split('rc')[0][:4]}")
    assert "glibc" in text_of(document, "C library")
    assert_left_alone(target.pid)


def test_text_has_a_line_for_each_check_and_ends_in_the_verdict(start, filtrace):
    target = start("loop.py")
    finished = filtrace.run("doctor", target.pid)
    assert (finished.returncode, finished.stderr) == (0, "")
    lines = finished.stdout.splitlines()
    assert [line[6:].split("  ")[0] for line in lines[:-2]] == CHECKS
    assert all(line.startswith("  ok  ") for line in lines[:-2])
    assert lines[-2:] == ["", f"filtrace can attach to process {target.pid}"]


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
def test_target_is_never_stopped_nor_written_to(start):
    target = start("known_sizes.py")
    calls = "ptrace,process_vm_writev,pwrite64,write,kill,tgkill,tkill"
    finished = run_doctor(
        "strace", "-f", "-y", "-e", f"trace={calls}",
        FILTRACE, "doctor", "-p", target.pid, env=NO_LEAK_SEARCH)
    assert finished.returncode == 0, finished.stderr
    seen = [line for line in finished.stderr.splitlines() if "(" in line and "SIG" not in line]
    # ThreadSanitizer has a file of its own.
    assert all(re.search(r"write\((1<|\d+<[^>]*/tsan\.rodata\.)", call) for call in seen), seen


def test_missing_process_is_4(filtrace):
    process = subprocess.Popen(["true"])
    process.wait()
    assert_refused(examine(filtrace, process.pid), 4, "no-process", "process")


def test_thread_names_its_process(start, filtrace):
    target = start("busy.py")
    thread = next(tid for tid in os.listdir(f"/proc/{target.pid}/task") if int(tid) != target.pid)
    document = examine(filtrace, thread)
    assert_refused(document, 4, "thread", "process")
    assert document["cause"]["text"].endswith(f"use -p {target.pid}")
    assert document["cause"]["fixes"]["host"] == f"filtrace -p {target.pid}"


def test_zombie_is_4(filtrace):
    process = subprocess.Popen(["true"])
    try:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert_refused(examine(filtrace, process.pid), 4, "ended", "process")
    finally:
        process.wait()


def test_kernel_thread_is_5(filtrace):
    if pathlib.Path("/proc/2/comm").read_text(encoding="utf-8") != "kthreadd\n":
        pytest.skip("no kernel thread can be seen from here")
    assert_refused(examine(filtrace, 2), 5, "kernel-thread", "process")
    finished = filtrace.run("-p", 2)
    assert finished.returncode == 5 and "kernel thread" in finished.stderr


def test_other_program_is_5(filtrace):
    process = subprocess.Popen(["sleep", "60"])
    try:
        wait_until(lambda: b"sleep" in pathlib.Path(f"/proc/{process.pid}/cmdline").read_bytes(),
                   "exec of sleep")
        assert_refused(examine(filtrace, process.pid), 5, "python", "Python")
        assert_left_alone(process.pid)
    finally:
        process.kill()
        process.wait()


@each_unsupported
def test_unsupported_version_is_5_and_named(python, spawn, filtrace):  # noqa: F811
    target = spawn(python.path)
    document = examine(filtrace, target.pid)
    assert_refused(document, 5, "python", "Python")
    assert "CPython" in document["cause"]["text"]


def test_stopped_process_is_3_and_stays_stopped(spawn, filtrace):  # noqa: F811
    target = spawn(DEBIAN_PATH)
    target.send_signal(signal.SIGSTOP)
    try:
        wait_until(lambda: ("T", 0) in thread_states(target.pid), "stop")
        document = examine(filtrace, target.pid)
        assert_refused(document, 3, "stopped", "stopped")
        assert document["cause"]["fixes"]["host"] == f"kill -CONT {target.pid}"
        assert ("T", 0) in thread_states(target.pid)
    finally:
        target.send_signal(signal.SIGCONT)


def test_traced_process_names_its_tracer(spawn, filtrace):  # noqa: F811
    target = spawn(DEBIAN_PATH)
    tracer = spawn(DEBIAN_PATH, target.pid, source=TRACER)
    document = examine(filtrace, target.pid)
    assert_refused(document, 3, "traced", "tracer")
    assert str(tracer.pid) in document["cause"]["text"]
    assert document["cause"]["fixes"]["host"] == f"kill {tracer.pid}"


@as_root
def test_process_of_another_user_is_3(spawn, public_directory):  # noqa: F811
    target = spawn(DEBIAN_PATH)
    document = examine_as_nobody(public_directory, target.pid)
    assert_refused(document, 3, "user", "user")
    assert document["cause"]["fixes"]["host"] == f"sudo filtrace -p {target.pid}"
    assert "--cap-add=SYS_PTRACE" in document["cause"]["fixes"]["docker"]


@as_root
def test_own_process_is_attachable_without_privileges(spawn, public_directory):  # noqa: F811
    target = spawn(DEBIAN_PATH, **AS_NOBODY)
    document = examine_as_nobody(public_directory, target.pid)
    if pathlib.Path("/proc/sys/kernel/yama/ptrace_scope").exists() and document["code"]:
        assert_refused(document, 3, "yama", "yama")
    else:
        assert (document["code"], refusals(document)) == (0, [])


@as_root
def test_private_process_is_3(spawn, public_directory):  # noqa: F811
    private = f"import ctypes; ctypes.CDLL(None).prctl({PR_SET_DUMPABLE}, 0, 0, 0, 0); "
    target = spawn(DEBIAN_PATH, source=private + SOURCE, **AS_NOBODY)
    document = examine_as_nobody(public_directory, target.pid)
    if document["cause"]["name"] == "yama":
        pytest.skip("Yama decides before that here")
    assert_refused(document, 3, "dumpable", "dumpable")


@as_root
def test_process_with_more_capabilities_is_3(spawn, public_directory):  # noqa: F811
    target = subprocess.Popen(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
         "--inh-caps=+net_bind_service", "--ambient-caps=+net_bind_service", DEBIAN_PATH, "-c",
         SOURCE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/", text=True)
    try:
        assert target.stdout.readline() == "ready\n"
        document = examine_as_nobody(public_directory, target.pid)
        if document["cause"]["name"] == "yama":
            pytest.skip("Yama decides before that here")
        assert_refused(document, 3, "capability", "capability")
        assert target.communicate("", timeout=30)[0] == "unharmed\n"
    finally:
        target.kill()
        target.wait()


@as_root
def test_root_without_the_capability_is_3(spawn):  # noqa: F811
    target = spawn(DEBIAN_PATH)
    document = diagnosis(run_doctor(
        "setpriv", "--bounding-set=-sys_ptrace", FILTRACE, "doctor", "-j", "-p", target.pid))
    assert_refused(document, 3, "capability", "capability")
    assert document["cause"]["fixes"]["compose"] == "cap_add: [SYS_PTRACE]"
    refused = run_doctor("setpriv", "--bounding-set=-sys_ptrace", FILTRACE, "-p", target.pid)
    assert (refused.returncode, refused.stderr) == (
        3, f"filtrace: {document['cause']['text']}\n")  # the same words


@as_root
def test_other_user_namespace_is_3(spawn):  # noqa: F811
    target = spawn(DEBIAN_PATH)
    finished = run_doctor("unshare", "--user", "--map-root-user", FILTRACE, "doctor", "-j", "-p",
                          target.pid)
    if "unshare:" in finished.stderr:
        pytest.skip(f"no namespaces here: {finished.stderr.strip()}")
    assert_refused(diagnosis(finished), 3, "user-namespace", "user namespace")


@as_root
def test_target_in_its_own_namespaces_is_attachable(filtrace):
    target = subprocess.Popen(
        ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child", DEBIAN_PATH,
         "-c", SOURCE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/", text=True)
    try:
        if target.stdout.readline() != "ready\n":
            pytest.skip("no namespaces here")
        children = pathlib.Path(f"/proc/{target.pid}/task/{target.pid}/children")
        document = examine(filtrace, children.read_text(encoding="utf-8").strip())
        assert document["verdict"] == "attachable"
        assert "as number 1:" in text_of(document, "pid namespace")
        assert "inside filtrace's" in text_of(document, "user namespace")
        assert target.communicate("", timeout=30)[0] == "unharmed\n"
    finally:
        target.kill()
        target.wait()


def test_seccomp_of_filtrace_itself_is_3(spawn):  # noqa: F811
    target = spawn(DEBIAN_PATH)
    document = diagnosis(run_doctor(DEBIAN_PATH, "-c", WITHOUT_PTRACE, FILTRACE, "doctor", "-j",
                                    "-p", target.pid, env=NO_LEAK_SEARCH))
    assert_refused(document, 3, "own-seccomp", "own seccomp")
    assert "seccompProfile: {type: Unconfined}" in document["cause"]["fixes"]["kubernetes"]
    general = diagnosis(run_doctor(DEBIAN_PATH, "-c", WITHOUT_PTRACE, FILTRACE, "doctor", "-j",
                                   env=NO_LEAK_SEARCH))
    assert_refused(general, 3, "own-seccomp", "own seccomp")


def test_seccomp_of_the_target_is_3_for_who_cannot_read_its_filter(filtrace):
    target = subprocess.Popen(
        [DEBIAN_PATH, "-c", WITHOUT_PTRACE, DEBIAN_PATH, "-c", SOURCE], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, cwd="/", text=True)
    try:
        assert target.stdout.readline() == "ready\n"
        document = examine(filtrace, target.pid)
        assert document["verdict"] == "attachable"
        assert "attaching will tell" in text_of(document, "seccomp")
        document = diagnosis(run_doctor(
            "setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin", FILTRACE,
            "doctor", "-j", "-p", target.pid))
        assert_refused(document, 3, "seccomp", "seccomp")
        assert "seccomp=unconfined" in document["cause"]["fixes"]["docker"]
        assert_left_alone(target.pid)
        assert target.communicate("", timeout=30)[0] == "unharmed\n"
    finally:
        target.kill()
        target.wait()


def test_another_filtrace_is_named_and_not_disturbed(start, filtrace):
    target = start("known_sizes.py")
    tracing = filtrace.record(target, "--sample-bytes", "1")
    document = wait_until(lambda: is_gated(target.pid) and examine(filtrace, target.pid), "gates")
    assert_refused(document, 3, "filtrace", "filtrace")
    assert document["cause"]["fixes"]["host"] == f"kill {tracing.process.pid}"
    target.ask("allocate")
    assert tracing.interrupt().returncode == 0
    assert filtrace.report()["sites"]
    document = examine(filtrace, target.pid)
    assert document["verdict"] == "attachable"
    assert "uses again" in text_of(document, "filtrace")


def test_what_a_killed_filtrace_left_is_told_and_stays(start, filtrace):
    target = start("known_sizes.py")
    filtrace.record(target, "--sample-bytes", "1").kill()
    for _ in range(2):
        document = examine(filtrace, target.pid)
        assert document["verdict"] == "attachable"
        assert f"filtrace unstick -p {target.pid}" in text_of(document, "filtrace")
    assert is_gated(target.pid)
    assert filtrace.run("unstick", target.pid).returncode == 0
    assert_left_alone(target.pid)


def test_hostile_names_print_harmless(spawn, filtrace):  # noqa: F811
    rename = "import ctypes; ctypes.CDLL(None).prctl(15, b'py\\x1b[31m\\n'); "
    target = spawn(DEBIAN_PATH, source=rename + SOURCE)
    for arguments in ([], ["-j"]):
        printed = filtrace.run("doctor", target.pid, *arguments).stdout
        assert "\x1b" not in printed and "31m" in printed


@as_root
def test_machine_in_general_can_be_traced_on(spawn, filtrace, public_directory):  # noqa: F811
    spawn(DEBIAN_PATH)
    document = diagnosis(filtrace.run("doctor", "-j"))
    assert (document["verdict"], document["pid"]) == ("attachable", None)
    assert document["processes"]["python"] >= document["processes"]["attachable"] >= 1
    text = filtrace.run("doctor").stdout
    assert "filtrace can attach to processes here\n" in text and "see filtrace ps" in text
    finished = run_doctor(public_directory / "filtrace", "doctor", **AS_NOBODY)
    assert finished.returncode == 0
    assert "to some processes here, not to all" in finished.stdout
