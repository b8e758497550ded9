# SPDX-License-Identifier: MIT
"""Debian's suites in directories of their own, with all the interpreters that they have.

What is missing is fetched: a suite by debootstrap, its packages by apt, interpreters without a GIL
by building the suite's own source package.
"""

import os
import pathlib
import re
import subprocess
from typing import NamedTuple

DIRECTORY = pathlib.Path(os.environ.get("MATRIX_DIR", "build/matrix")).resolve()
# An archive that is not updated any more has a date in the past.
APT = ["apt-get", "-o", "Acquire::Check-Valid-Until=false", "-o", "APT::Sandbox::User=root",
       "-o", "DPkg::Lock::Timeout=300", "-o", "Dpkg::Options::=--force-unsafe-io", "-q"]
INSTALL = [*APT, "install", "-y", "--no-install-recommends"]
PACKAGES = ["python3-greenlet", "python3-gevent", "python3-gunicorn", "uwsgi-core",
            "uwsgi-plugin-python3"]
BUILD_PACKAGES = ["build-essential", "dpkg-dev", "pkg-config", "zlib1g-dev", "libffi-dev",
                  "libssl-dev", "libsqlite3-dev", "libbz2-dev", "liblzma-dev"]
BUILD = """
cd {source} &&
nice -n 10 ./configure --disable-gil --prefix={prefix} --without-ensurepip &&
nice -n 10 make -j$(nproc) &&
nice -n 10 make install
"""


class FetchError(Exception):
    """Something could not be fetched or built; says what, and where to read why."""


def debian_mirror():
    """The archive that this machine itself uses, if it is Debian's; else None."""
    finished = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(REPO_URI)",
         "Created-By: Packages"], capture_output=True, text=True)
    for line in finished.stdout.splitlines():
        origin, label, uri = line.split("|")
        if (origin, label) == ("Debian", "Debian"):
            return uri
    return None


class Suite(NamedTuple):
    name: str
    minors: tuple  # of the interpreters that it has as packages, each with a pydebug build
    free_threaded: tuple = ()  # of those to be built from its source packages

    @property
    def root(self):
        return DIRECTORY / self.name

    @property
    def log(self):
        return DIRECTORY / f"{self.name}.log"

    def has(self, path):
        return os.path.lexists(self.root / path.lstrip("/"))

    def run(self, command, what):
        """Run a command inside; its output goes to the log."""
        self._log(["chroot", str(self.root), *command], what)

    def read(self, command):
        """What a command inside prints."""
        return subprocess.run(["chroot", str(self.root), *command], capture_output=True,
                              text=True, env=environment()).stdout

    def _log(self, command, what):
        with open(self.log, "ab") as log:
            status = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                    env=environment()).returncode
        if status != 0:
            raise FetchError(f"{self.name}: {what} failed, see {self.log}")

    def prepare(self):
        """Fetch what is missing but the builds. Errors: FetchError."""
        if not self.has("/usr/bin/apt-get"):
            print(f"fetching {self.name} into {self.root}", flush=True)
            mirror = debian_mirror()
            self._log(["debootstrap", "--variant=minbase", self.name, str(self.root),
                       *([mirror] if mirror else [])], "debootstrap")
        wanted = [package for minor in self.minors
                  for package in (f"python{minor}", f"python{minor}-dbg")]
        missing = self._missing(["python3", "libc6-dev", *wanted, *PACKAGES])
        if missing:
            self._install(missing)

    def _missing(self, packages):
        names = self.read(["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package}\n"])
        installed = {line.split()[1] for line in names.splitlines()
                     if line.startswith("installed ")}
        return [package for package in packages if package not in installed]

    def _install(self, packages):
        """Install those of the packages that the suite has."""
        self.run([*APT, "update"], "apt-get update")
        known = set(self.read(["apt-cache", "pkgnames"]).split())
        available = [package for package in packages if package in known]
        if available:
            print(f"{self.name}: installing {' '.join(available)}", flush=True)
            self.run([*INSTALL, *available], "installing packages")

    # -- interpreters without a GIL --

    @staticmethod
    def free_threaded_path(minor):
        return f"/opt/python{minor}t/bin/python{minor}t"

    def build_free_threaded(self, minor):
        """Build one from the suite's source package, unless it is there. Errors: FetchError."""
        if self.has(self.free_threaded_path(minor)):
            return
        print(f"{self.name}: building python{minor} without a GIL", flush=True)
        self._add_sources()
        missing = self._missing(BUILD_PACKAGES)
        if missing:
            self.run([*INSTALL, *missing], "installing what a build needs")
        source = self._unpack(f"python{minor}")
        script = BUILD.format(source=source, prefix=f"/opt/python{minor}t")
        self.run(["sh", "-c", script], f"building python{minor} without a GIL")

    def _add_sources(self):
        listed = self.root / "etc/apt/sources.list"
        text = listed.read_text(encoding="utf-8")
        if "deb-src" not in text:
            more = re.sub(r"^deb ", "deb-src ", text, flags=re.MULTILINE)
            listed.write_text(f"{text.rstrip()}\n{more}", encoding="utf-8")
        self.run([*APT, "update"], "apt-get update")

    def _unpack(self, package):
        """Unpack the newest version whose files the archive really has. Returns the folder."""
        folder = f"/usr/src/matrix/{package}"
        shown = self.read(["apt-cache", "showsrc", "--only-source", package])
        for version in re.findall(r"^Version: (\S+)", shown, re.MULTILINE):
            script = (f"rm -rf {folder} && mkdir -p {folder} && cd {folder} && "
                      f"apt-get source --download-only --only-source {package}={version} && "
                      "dpkg-source --no-check --skip-patches -x *.dsc source")
            try:
                self.run(["sh", "-c", script], f"fetching the source of {package}")
                return f"{folder}/source"
            except FetchError:
                continue
        raise FetchError(f"{self.name}: the archive has no source of {package}, see {self.log}")


def environment():
    return {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}


SUITES = [
    Suite("bullseye", ("3.9",)),
    Suite("bookworm", ("3.11",)),
    Suite("trixie", ("3.13",), ("3.13",)),
    Suite("sid", ("3.13", "3.14", "3.15"), ("3.14", "3.15")),
]
