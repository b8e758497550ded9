# SPDX-License-Identifier: MIT
"""The interpreters to be tested: of this machine, of Debian's suites, inside other programs."""

import os
import pathlib
import shutil
import subprocess
import sysconfig
from typing import NamedTuple

from checks import FEATURES
from interpreters import DEBIAN_PATH, SUPPORTED, Interpreter
from processes import ROOT
from servers import Gunicorn, Uwsgi
from suites import SUITES, FetchError

# A build without a GIL is told by a letter, as filtrace shows it.
PROBE = ("import sys; print('.'.join(map(str, sys.version_info[:3])) + "
         "('t' if 't' in sys.abiflags else ''))")
SERVER_FEATURES = ("attach", "leak", "detach")


class Row(NamedTuple):
    """One interpreter; without one, `why_not` says why."""

    name: str
    python: object = None
    features: tuple = tuple(FEATURES)
    why_not: str = ""


class Plain:
    """An interpreter that needs nothing; see Interpreter for what the methods are for."""

    settings = {}

    def __init__(self, version):
        self.version = version

    def disturb(self, directory):
        pass


class Chrooted(Plain):
    """An interpreter inside a directory that is a root to it. The fixtures are mounted there."""

    def __init__(self, root, path):
        self.root = str(root)
        self.path = path
        super().__init__(probe_version(self.command("/")))

    def command(self, directory):
        return ["chroot", self.root, "/usr/bin/env", "-C", str(directory), self.path]


class Embedded(Plain):
    """A program with Python inside; the script is its first argument."""

    def __init__(self, program, version):
        super().__init__(version)
        self.program = program

    def command(self, directory):
        return [self.program]


class WithoutLibrary(Embedded):
    """One whose libpython is a file that is removed once the target is ready."""

    library = sysconfig.get_config_var("INSTSONAME")

    def command(self, directory):
        folder = pathlib.Path(sysconfig.get_config_var("LIBDIR"))
        found = next(folder.rglob(self.library))
        shutil.copy(found, pathlib.Path(directory) / self.library)
        return ["/usr/bin/env", f"LD_LIBRARY_PATH={directory}", self.program]

    def disturb(self, directory):
        (pathlib.Path(directory) / self.library).unlink()


class Replaced(Plain):
    """One whose executable is another file once the target is ready, as after an upgrade."""

    def command(self, directory):
        program = pathlib.Path(directory) / "python3"
        shutil.copy(os.path.realpath(DEBIAN_PATH), program)
        return [str(program)]

    def disturb(self, directory):
        upgrade = pathlib.Path(directory) / "upgrade"
        shutil.copy("/bin/true", upgrade)
        upgrade.rename(pathlib.Path(directory) / "python3")


def probe_version(command):
    """The version of what a command starts. Errors: FetchError."""
    finished = subprocess.run([*command, "-c", PROBE], capture_output=True, text=True, timeout=60)
    if finished.returncode != 0:
        raise FetchError(f"{command[-1]} does not run: {finished.stderr.strip()}")
    return finished.stdout.strip()


def attempt(name, make, features=tuple(FEATURES)):
    """A row, or the reason why there is none."""
    try:
        return Row(name, make(), features)
    except (FetchError, OSError, subprocess.SubprocessError) as error:
        return Row(name, features=features, why_not=str(error))


# -- this machine --

def machine_rows(scratch):
    for python in SUPPORTED:
        origin = "machine" if python.path == DEBIAN_PATH else "pyenv"
        yield Row(f"{python.version} {origin}", python)
    version = next(python.version for python in SUPPORTED if python.path == DEBIAN_PATH)
    yield attempt(f"{version} venv", lambda: make_venv(scratch, version))
    yield Row(f"{version} replaced", Replaced(version))
    for name, flags in embeddings(version):
        yield attempt(f"{version} {name}", lambda name=name, flags=flags: Embedded(
            build_embedder(scratch, name, flags), version))
    yield attempt(f"{version} unlinked", lambda: WithoutLibrary(
        build_embedder(scratch, "unlinked", shared_flags(version)), version))
    yield from server_rows("machine", [], version)


def make_venv(scratch, version):
    folder = scratch / "venv"
    subprocess.run([DEBIAN_PATH, "-m", "venv", "--without-pip", folder], check=True)
    return Interpreter(str(folder / "bin/python"), version)


def minor_of(version):
    return ".".join(version.split(".")[:2])


def shared_flags(version):
    return [f"-lpython{minor_of(version)}"]


def embeddings(version):
    """Name and flags for the linker of each way to have Python inside a program."""
    minor = minor_of(version)
    archive = pathlib.Path(sysconfig.get_config_var("LIBPL")) / f"libpython{minor}.a"
    static = [str(archive), *f"{sysconfig.get_config_var('LIBS')} -lexpat -lz -lm".split()]
    yield "embedded", shared_flags(version)
    yield "static", ["-no-pie", "-rdynamic", *static]
    # Modules that are files of their own find no symbols of Python's in this one.
    yield "static hidden", ["-no-pie", *static]


def build_embedder(scratch, name, flags):
    program = scratch / f"embedder-{name.replace(' ', '-')}"
    source = ROOT / "fixtures/embedder.c"
    include = sysconfig.get_paths()["include"]
    finished = subprocess.run(
        ["cc", "-O2", "-g", f"-I{include}", "-o", program, source, *flags],
        capture_output=True, text=True)
    if finished.returncode != 0:
        raise FetchError(f"{source.name} cannot be built: {finished.stderr[:200]}")
    return str(program)


# -- servers --

def server_rows(place, prefix, version):
    """gunicorn and uWSGI, if they are installed there."""
    for server in (Gunicorn, Uwsgi):
        yield attempt(f"{version} {server.name} {place}",
                      lambda server=server: server(prefix, version), SERVER_FEATURES)


# -- Debian's suites --

def suite_rows(suite, is_offline):
    try:
        if not is_offline:
            suite.prepare()
        elif not suite.has("/usr/bin/apt-get"):
            raise FetchError(f"{suite.name} is not there")
    except FetchError as error:
        yield Row(f"{suite.name}", why_not=str(error))
        return
    for minor in suite.minors:
        for letter in ("", "d"):
            path = f"/usr/bin/python{minor}{letter}"
            yield attempt(f"{minor}{letter} {suite.name}",
                          lambda path=path: Chrooted(suite.root, path))
    for minor in suite.free_threaded:
        yield attempt(f"{minor}t {suite.name}", lambda minor=minor: free_threaded(
            suite, minor, is_offline))
    system = Chrooted(suite.root, "/usr/bin/python3")
    yield from server_rows(suite.name, ["chroot", str(suite.root)], system.version)


def free_threaded(suite, minor, is_offline):
    if not is_offline:
        suite.build_free_threaded(minor)
    return Chrooted(suite.root, suite.free_threaded_path(minor))


def all_rows(scratch, is_offline):
    yield from machine_rows(scratch)
    for suite in SUITES:
        yield from suite_rows(suite, is_offline)
