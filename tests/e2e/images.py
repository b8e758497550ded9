# SPDX-License-Identifier: MIT
"""A target's code and tables in memory, compared with its files and with themselves over time."""

import array
import os
import re
import struct
from typing import NamedTuple

PT_LOAD = 1
PF_X = 1
MAPS_LINE = re.compile(r"(\w+)-(\w+) (\S{4}) (\w+) \S+ (\d+)\s*(.*)")
INTERPRETER = re.compile(r"/(lib)?python\d[^/]*$")


class Mapping(NamedTuple):
    start: int
    end: int
    mode: str
    offset: int
    inode: int
    path: str

    @property
    def is_file_code(self):
        return "x" in self.mode and self.inode != 0 and os.path.exists(self.path)

    @property
    def is_pad(self):
        """Executable and of no file: what filtrace maps, and nothing else in these targets."""
        return "x" in self.mode and not self.path.startswith(("/", "["))


def mappings(pid):
    with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as maps:
        for line in maps:
            start, end, mode, offset, inode, path = MAPS_LINE.match(line).groups()
            yield Mapping(int(start, 16), int(end, 16), mode, int(offset, 16), int(inode), path)


def read_memory(pid, start, length):
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        memory.seek(start)
        return memory.read(length)


def executable_segments(path):
    """(offset, length) in the file of each executable segment of an x86-64 ELF file."""
    with open(path, "rb") as file:
        header = file.read(64)
        assert header[:5] == b"\x7fELF\x02", path
        table, = struct.unpack_from("<Q", header, 32)
        size, count = struct.unpack_from("<HH", header, 54)
        file.seek(table)
        entries = file.read(size * count)
    for n in range(count):
        kind, flags, offset, _, _, length = struct.unpack_from("<IIQQQQ", entries, n * size)
        if kind == PT_LOAD and flags & PF_X:
            yield offset, length


def changed_code(pid, only=""):
    """Names of the target's code mappings that differ from their files (libc, interpreter, ...).

    What lies behind a segment's end in its last page is no code and is not compared.
    """
    changed = []
    for mapping in mappings(pid):
        if mapping.is_file_code and only in mapping.path and differs_from_file(pid, mapping):
            changed.append(mapping.path)
    return changed


def differs_from_file(pid, mapping):
    for offset, length in executable_segments(mapping.path):
        first = max(offset, mapping.offset)
        end = min(offset + length, mapping.offset + mapping.end - mapping.start)
        if first < end:
            with open(mapping.path, "rb") as file:
                file.seek(first)
                expected = file.read(end - first)
            start = mapping.start + first - mapping.offset
            if read_memory(pid, start, end - first) != expected:
                return True
    return False


def is_gated(pid, allocator="/libc"):
    """Tell whether the C allocator's entries are diverted at this moment."""
    return bool(changed_code(pid, only=allocator))


class InterpreterData:
    """The interpreter's writable data at one moment: the allocator tables are in there."""

    def __init__(self, pid):
        self.pads = [mapping for mapping in mappings(pid) if mapping.is_pad]
        self.words = {}
        for start, end in self._ranges(pid):
            words = array.array("Q", read_memory(pid, start, end - start))
            self.words.update(zip(range(start, end, 8), words))

    @staticmethod
    def _ranges(pid):
        """Writable mappings of the interpreter's files, each with the .bss right behind it."""
        end_before = 0
        program = os.readlink(f"/proc/{pid}/exe")
        for mapping in mappings(pid):
            is_bss = mapping.inode == 0 and not mapping.path and mapping.start == end_before
            is_interpreter = INTERPRETER.search(mapping.path) or mapping.path == program
            if "w" in mapping.mode and (is_interpreter or is_bss):
                end_before = mapping.end
                yield mapping.start, mapping.end

    def diverted(self):
        """Addresses of the words that point into pads."""
        return [address for address, word in self.words.items() if word and self._is_in_pad(word)]

    def _is_in_pad(self, word):
        return any(pad.start <= word < pad.end for pad in self.pads)


def thread_states(pid):
    """State letter and tracer of every thread: a target left alone has no T, no t, no tracer."""
    for tid in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{tid}/status", encoding="utf-8",
                      errors="replace", newline="\n") as status:
                fields = dict(line.split(":", 1) for line in status)
        except (FileNotFoundError, ProcessLookupError):
            continue  # the thread has ended meanwhile
        yield fields["State"].split()[0], int(fields["TracerPid"])


def assert_left_alone(pid):
    """Assert that nothing of a tracer is left that the program could ever notice."""
    assert changed_code(pid) == []
    assert InterpreterData(pid).diverted() == []
    for state, tracer in thread_states(pid):
        assert state not in "Tt" and tracer == 0
