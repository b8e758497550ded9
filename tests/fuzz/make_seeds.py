#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Write seeds for the fuzzers into a corpus directory, from what this machine has.

usage: make_seeds.py DIRECTORY [PYTHON..]

Line tables, strings and debug offsets come from the interpreters of this machine (/usr/bin/python3,
pyenv's, and the ones that are named), code from its C library and its python3. Texts and ELF files
are made up; captures are recorded by build/filtrace, or FILTRACE.
"""

import contextlib
import ctypes
import glob
import os
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

DEBIAN_PYTHON = "/usr/bin/python3"
FILTRACE = os.environ.get("FILTRACE", "build/filtrace")

# Runs in every interpreter, Python 3.8 and later: prints "kind hex" lines.
PROBE = r'''
import ctypes, sys

source = """
import os


def outer(a, b=2):
    def inner(c):
        return [c + x
                for x in range(a)
                if x % b]

    try:
        with open(a) as file:
            return inner(
                file.read(),
            )
    except (OSError,
            ValueError):
        return None


class Cache:
    limit = 10

    async def put(self, key):
        while key:
            key -= 1
            await key
""" + "\n" * 300 + "x = (1 +\n\n\n 2)\n"

def codes(code):
    yield code
    for constant in code.co_consts:
        if hasattr(constant, "co_code"):
            yield from codes(constant)

for code in codes(compile(source, "seed.py", "exec")):
    print("lines", code.co_firstlineno, len(code.co_code),
          (code.co_linetable if hasattr(code, "co_linetable") else code.co_lnotab).hex())
for value in ("run", "größe", "日本語", "\U0001f40d x", "\ud800", "", b"bytes", b""):
    print("object", 0, 0, ctypes.string_at(id(value), sys.getsizeof(value)).hex())
if sys.version_info >= (3, 13):
    runtime = ctypes.addressof(ctypes.c_char.in_dll(ctypes.pythonapi, "_PyRuntime"))
    print("offsets", 0, 0, ctypes.string_at(runtime, 1024).hex())
'''

MAPS = """\
00400000-0041f000 r--p 00000000 fe:01 131                                /usr/bin/python3.11
0041f000-006ff000 r-xp 0001f000 fe:01 131                                /usr/bin/python3.11
01b3f000-01c41000 rw-p 00000000 00:00 0                                  [heap]
7f0b04e97000-7f0b04ebd000 r--p 00000000 fe:01 977                        /lib/a b (deleted)
7f0b04ebd000-7f0b05013000 r-xp 00026000 fe:01 977                        /lib/a b (deleted)
7f0b05013000-7f0b05014000 rw-s 00000000 00:01 2048                       /memfd:x (deleted)
7f0b05014000-7f0b05020000 ---p 00000000 00:00 0 
7ffc673b0000-7ffc673d1000 rw-p 00000000 00:00 0                          [stack]
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]
"""

STATUS = """\
Name:\tpython3
Umask:\t0022
State:\tS (sleeping)
Tgid:\t4121
Pid:\t4121
PPid:\t1
TracerPid:\t0
Uid:\t1000\t1000\t1000\t1000
NSpid:\t4121\t12\t1
VmRSS:\t   58888 kB
Threads:\t4
SigPnd:\t0000000000000000
ShdPnd:\t0000000000000200
SigBlk:\t0000000000000000
CapEff:\t0000003fffffffff
Seccomp:\t2
"""

STAT = ("4121 (a) b) S 1 4121 4121 0 -1 4194560 5000 0 0 0 12 3 0 0 20 0 4 0 81518 61743104 14722 "
        "18446744073709551615 1 1 0 0 0 0 0 16781312 2 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n")

SYSCALLS = ("running\n", "-1 0x7ffc673cf000 0x7f0b04f00000\n",
            "232 0x3 0x7f0b 0x40 0xffffffff 0x0 0x8 0x7ffc673cf000 0x7f0b04f00000\n")


class Corpus:
    """A directory with one folder for each fuzzer."""

    def __init__(self, directory):
        self.directory = Path(directory)

    def add(self, fuzzer, name, *parts):
        path = self.directory / fuzzer / f"seed-{name}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(parts))


def interpreters():
    """The programs of this machine that are CPython 3.8 or later."""
    yield DEBIAN_PYTHON
    for path in sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/3.*/bin/python3"))):
        if not path.split("/versions/3.")[1].startswith(("6.", "7.")):
            yield path


def add_pythons(corpus, more):
    counts = {}
    for python in [*interpreters(), *more]:
        probe = subprocess.run([python, "-I", "-c", PROBE], capture_output=True, text=True,
                               timeout=60, check=True)
        for line in probe.stdout.splitlines():
            kind, *numbers = line.split()
            content = bytes.fromhex(numbers[2]) if len(numbers) > 2 else b""
            counts[kind] = counts.get(kind, 0) + 1
            name = f"{counts[kind]}"
            if kind == "lines":
                first, length = int(numbers[0]), int(numbers[1])
                corpus.add("linetable", name, struct.pack("<ii", first, length // 2), content)
            elif kind == "object":
                corpus.add("unicode", name, struct.pack("<HBB", 0, 1, 0), content)
                corpus.add("unicode", f"{name}-endless", struct.pack("<HBB", 0, 1, 1), content)
            else:
                corpus.add("debug_offsets", name, content)


def add_texts(corpus):
    place = struct.pack("<QHHI", 0x7f0b04e97000, 0x17c, 1300, 0x7ff00)
    corpus.add("maps", "python", place, MAPS.encode())
    corpus.add("maps", "grown", place, b"1000-3000 rw-p 00000000 00:00 0 \n"
                                       b"2000-5000 rw-p 00001000 08:01 7 /x\n")
    for i, call in enumerate(SYSCALLS):
        corpus.add("process", f"{i}", b"\xff".join(
            (STATUS.encode(), STAT.encode(), b"python3\0-m\0server\0", call.encode(),
             b"worker\n")))
    head = struct.pack("<BBI", 60, 40, 88)
    for i, (function, file) in enumerate((
            ("Cache.put.<locals>.inner", "/srv/app/site-packages/pkg/views.py"),
            ("größe", "/srv/müll/straße.py"), ("日本語", "/srv/日本/語.py"),
            ("a\u0301\u202eb\x1b[2J", "x\x7f/\u2066y\u0085"))):
        corpus.add("text", f"{i}", head, function.encode(), b"\0", file.encode())


def add_code(corpus):
    libc = ctypes.CDLL(None)
    for name in ("malloc", "calloc", "realloc", "free", "memalign", "aligned_alloc",
                 "posix_memalign", "valloc", "pvalloc", "qsort", "strlen"):
        code = ctypes.string_at(ctypes.cast(getattr(libc, name), ctypes.c_void_p), 96)
        corpus.add("hook_x86_64", name, struct.pack("<Bi", 0, 0x100000), code)
    for i, code in enumerate((b"\x53\xff\x25\0\1\0\0", b"\x53\xe3\x10\x90\x90\x90\xc3",
                              b"\xf3\x0f\x1e\xfa\x74\x20\x48\x8b\x05\0\1\0\0\xc3",
                              b"\x48\x83\xec\x80\x90\x90\x90\x90\x90\xc3",
                              b"\x48\x83\xec\x18\x75\x10\xe8\0\1\0\0\xc3")):
        corpus.add("hook_x86_64", f"made-{i}", struct.pack("<Bi", 0, -0x100000), code)
    for name in ("PyObject_Malloc", "PyObject_Free", "PyMem_Calloc", "PyMem_RawRealloc"):
        code = ctypes.string_at(ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p), 192)
        corpus.add("loads_x86_64", name, struct.pack("<HB", 0, 0), code)
        corpus.add("loads_x86_64", f"{name}-endless", struct.pack("<HB", 0, 1), code)


# -- ELF files --

PT_LOAD, PT_DYNAMIC, PT_PHDR = 1, 2, 6
SHT_SYMTAB, SHT_STRTAB, SHT_RELA, SHT_DYNSYM, SHT_GNU_VERSYM = 2, 3, 4, 11, 0x6fffffff
DT_NULL, DT_DEBUG = 0, 21
EXECUTABLE, LIBRARY = 0x10000000, 0x10800000  # where fuzz_images.c maps the file
NAMES = ("malloc", "calloc", "realloc", "free", "gnu_get_libc_version", "_PyRuntime",
         "memalign", "aligned_alloc")


def make_elf(symbol_type=SHT_DYNSYM, code=b"\x41\x54\x55\x53\x48\x89\xfb\x90\xc3"):
    """A small shared library that lies at offset 0 as in memory, and lists itself as linked.

    Its last function calls an entry of the linkage table, whose slot leads to memalign.
    """
    strings = b"\0" + b"".join(name.encode() + b"\0" for name in NAMES)
    headers_at, header_count = 64, 3
    code_at = headers_at + 56 * header_count
    linkage_at = code_at + 16 * len(NAMES)
    slot_at = linkage_at + 16
    dynamic_at = slot_at + 16
    debug_at = dynamic_at + 32          # struct r_debug, then two struct link_map
    links_at = debug_at + 40
    symbols_at = links_at + 2 * 40
    strings_at = symbols_at + 24 * (len(NAMES) + 1)
    versions_at = strings_at + len(strings) + (-len(strings) % 8)
    relocation_at = versions_at + 24
    sections_at = relocation_at + 24
    end = sections_at + 64 * 5
    caller_at = linkage_at - 16

    def section(kind, at, size, link, entry):
        return struct.pack("<IIQQQQIIQQ", 0, kind, 2, at, at, size, link, 1, 8, entry)

    parts = {
        0: struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 3, 62, 1, 0, headers_at,
                       sections_at, 0, 64, 56, header_count, 64, 5, 0),
        headers_at:
            struct.pack("<IIQQQQQQ", PT_PHDR, 4, headers_at, headers_at, 0, 168, 168, 8) +
            struct.pack("<IIQQQQQQ", PT_LOAD, 5, 0, 0, 0, end, end, 4096) +
            struct.pack("<IIQQQQQQ", PT_DYNAMIC, 6, dynamic_at, dynamic_at, 0, 32, 32, 8),
        code_at: b"".join(code.ljust(16, b"\x90") for _ in NAMES),
        caller_at: b"\x55\x48\x89\xe5\xe8" + struct.pack("<i", linkage_at - caller_at - 9),
        linkage_at: b"\xff\x25" + struct.pack("<i", slot_at - linkage_at - 6),
        relocation_at: struct.pack("<QQQ", slot_at, (NAMES.index("memalign") + 1) << 32 | 7, 0),
        dynamic_at: struct.pack("<QQQQ", DT_DEBUG, EXECUTABLE + debug_at, DT_NULL, 0),
        debug_at: struct.pack("<QQQQQ", 1, EXECUTABLE + links_at, 0, 0, 0),
        links_at:
            struct.pack("<QQQQQ", EXECUTABLE, 0, EXECUTABLE + dynamic_at,
                        EXECUTABLE + links_at + 40, 0) +
            struct.pack("<QQQQQ", LIBRARY, 0, LIBRARY + dynamic_at, 0, EXECUTABLE + links_at),
        symbols_at: bytes(24) + b"".join(
            struct.pack("<IBBHQQ", strings.index(b"\0" + name.encode() + b"\0") + 1, 0x12, 0, 1,
                        code_at + 16 * i, 16) for i, name in enumerate(NAMES)),
        strings_at: strings,
        versions_at: struct.pack("<9H", 0, 2, 2, 2, 2, 2, 0x8002, 2, 2),
        sections_at: bytes(64) +
            section(symbol_type, symbols_at, 24 * (len(NAMES) + 1), 2, 24) +
            section(SHT_STRTAB, strings_at, len(strings), 0, 0) +
            section(SHT_GNU_VERSYM, versions_at, 2 * (len(NAMES) + 1), 1, 2) +
            section(SHT_RELA, relocation_at, 24, 1, 24),
    }
    image = bytearray(end)
    for at, part in parts.items():
        image[at:at + len(part)] = part
    return bytes(image), dynamic_at, headers_at, header_count


def compile_library():
    """A library as the C compiler makes it; None without one."""
    compiler = shutil.which("cc")
    if not compiler:
        return None
    with tempfile.TemporaryDirectory() as directory:
        source, target = Path(directory, "lib.c"), Path(directory, "lib.so")
        source.write_text("int x; int malloc(int n) { return x += n; }\n"
                          "const char *gnu_get_libc_version(void) { return \"2\"; }\n")
        subprocess.run([compiler, "-shared", "-fPIC", "-nostdlib", "-fno-builtin", "-O1", "-s",
                        "-fno-asynchronous-unwind-tables", "-Wl,-z,noseparate-code",
                        "-Wl,-z,max-page-size=4096", "-Wl,--build-id=none", "-o", target, source],
                       check=True, timeout=60)
        return target.read_bytes()


def add_images(corpus):
    def question(dynamic, headers, count, endless=0, address=300):
        return struct.pack("<BIHHIH", endless, dynamic, headers, count, address, 64)

    for name, kind in (("dynsym", SHT_DYNSYM), ("symtab", SHT_SYMTAB)):
        image, dynamic, headers, count = make_elf(kind)
        corpus.add("images", f"{name}-slot", question(0, headers, count, 0, dynamic - 16), image)
        corpus.add("images", name, question(dynamic, headers, count), image)
        corpus.add("images", f"{name}-static", question(0, headers, count), image)
        corpus.add("images", f"{name}-endless", question(dynamic, headers, count, 1), image)
        corpus.add("images", f"{name}-page", question(0, headers, count),
                   image.ljust(4096, b"\0"))
    library = compile_library()
    if library:
        corpus.add("images", "compiled", question(0, 64, library[56]), library)


def add_walks(corpus):
    """Versions, and some steps of fuzz_pyframes.c for each."""
    for version in range(16):
        for endless in range(2):
            head = struct.pack("<BB", version, endless)
            corpus.add("pyframes", f"{version}-{endless}", head)
            corpus.add("pyframes", f"{version}-{endless}-spoilt", head, b"".join(
                struct.pack("<BHI", kind, 7 * (kind + version), 4096 + kind)
                for kind in (7, 0, 7, 4, 7, 1, 8, 3, 7, 2)))


# -- captures --

LEAK = "import time\nkept = []\nwhile True:\n    kept.append(bytes(1000))\n    time.sleep(0.001)\n"


def record(directory, *options):
    """The capture of a leaking program; its writer is killed if it has no end."""
    command = [FILTRACE, "record", "-o", Path(directory, "c"), "--sample-bytes", "8K", *options,
               "--", DEBIAN_PYTHON, "-S", "-c", LEAK]
    process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
    try:
        process.wait(3)
    except subprocess.TimeoutExpired:
        pass
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return Path(directory, "c")


def add_captures(corpus):
    """One of small pages that ended in order, and one as it lies there after a kill."""
    with tempfile.TemporaryDirectory() as directory:
        path = record(directory, "-d", "1")
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA page_size = 512")
            database.execute("VACUUM")
        corpus.add("capture", "whole", struct.pack("<I", 0), path.read_bytes())
    with tempfile.TemporaryDirectory() as directory:
        path = record(directory)
        log = Path(f"{path}-wal").read_bytes()
        corpus.add("capture", "killed", struct.pack("<I", len(log)), path.read_bytes(), log)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    corpus = Corpus(sys.argv[1])
    add_pythons(corpus, sys.argv[2:])
    for add in (add_texts, add_code, add_images, add_walks, add_captures):
        add(corpus)


if __name__ == "__main__":
    main()
