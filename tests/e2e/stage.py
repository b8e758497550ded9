# SPDX-License-Identifier: MIT
"""What one test or one cell of the matrix starts, and what must hold when it ends."""

import re
import resource
import shutil
import subprocess

from interpreters import DEBIAN_PATH
from processes import Filtrace, Target, start_traffic


def allow_cores():
    """Let whoever crashes leave a core, which core_problems() reports."""
    _, limit = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))


def core_problems(directory):
    """One text per core file, with the stack of the crash if gdb is at hand."""
    for core in sorted(directory.glob("core*")):
        text = f"core file {core}"
        if shutil.which("gdb"):
            text += "\n" + backtrace(core)
        yield text


def backtrace(core):
    """gdb finds the libraries of a crash only if it is told the program."""
    finished = subprocess.run(["file", "-b", core], capture_output=True, text=True)
    program = re.search(r"execfn: '([^']+)'", finished.stdout)
    command = ["gdb", "-batch", "-ex", "bt 20", "-ex", "x/i $pc"]
    command += [program.group(1)] if program else []
    return subprocess.run([*command, "-c", core], capture_output=True, text=True).stdout


def end_problems(targets):
    """End every target; one text for each that was harmed."""
    for target in targets:
        try:
            target.end()
        except (AssertionError, OSError, subprocess.TimeoutExpired) as problem:
            yield f"{target.name} (pid {target.pid}): {problem}"
        finally:
            target.kill()


class Stage:
    """Targets, traffic and filtrace in one directory. end() tells what was harmed."""

    def __init__(self, directory):
        self.directory = directory
        self.filtrace = Filtrace(directory)
        self.targets = []
        self.asking = []

    def start(self, name, *arguments, python=DEBIAN_PATH, environment=None, prefix=()):
        """A fixture program, once it is ready. It must end unharmed."""
        target = self.add(Target(name, arguments, python, self.directory, environment, prefix))
        if not isinstance(python, str):
            python.disturb(self.directory)
        return target

    def add(self, target):
        """Let a target that was just started get ready."""
        self.targets.append(target)
        target.wait_ready()
        return target

    def traffic(self, server, seconds, rate=60):
        """Random requests to a server, from another process."""
        self.asking.append(start_traffic(server.facts["url"], seconds, self.directory, rate))
        return self.asking[-1]

    def end(self):
        """End all: the targets while filtrace may still trace them, then filtrace itself."""
        for process in self.asking:
            process.kill()
        problems = list(end_problems(self.targets))
        self.filtrace.end_all()
        return [*problems, *core_problems(self.directory)]
