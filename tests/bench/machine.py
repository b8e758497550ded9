# SPDX-License-Identifier: MIT
"""What else the machine does while it is measured: figures of a busy one are not to be trusted."""

import os
import platform
import resource
import time

CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
BUSY_SHARE = 0.1  # of all processors, taken by others


def cpu_seconds(pid):
    """User and system time of a living process and of the children it has waited for."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / CLOCK_TICKS


def peak_bytes(pid):
    """The most memory that a living process ever had resident."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))


def available_bytes():
    """Memory that can be had without swapping."""
    with open("/proc/meminfo", encoding="ascii") as info:
        return next(int(line.split()[1]) * 1024 for line in info
                    if line.startswith("MemAvailable:"))


def tree(pid):
    """A process and all that it has started, while they live."""
    found = [pid]
    for parent in found:
        for task in os.listdir(f"/proc/{parent}/task"):
            with open(f"/proc/{parent}/task/{task}/children", encoding="ascii") as children:
                found += map(int, children.read().split())
    return found


def busy_seconds():
    """CPU time that the machine was not idle, or that its host took."""
    with open("/proc/stat", encoding="ascii") as stat:
        user, nice, system, _idle, _iowait, irq, softirq, steal = map(
            int, stat.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / CLOCK_TICKS


def own_seconds():
    """CPU time of this process and of all that it has started and waited for."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def describe():
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        model = next((line.partition(":")[2].strip() for line in info
                      if line.startswith("model name")), platform.machine())
    return f"{os.cpu_count()} x {model}, Linux {platform.release()}"


class Watch:
    """Tells how much of the machine others take, from its making on."""

    def __init__(self):
        self.start = time.monotonic()
        self.others_before = busy_seconds() - own_seconds()

    def verdict(self):
        """To be asked when all that was started has ended."""
        elapsed = time.monotonic() - self.start
        others = (busy_seconds() - own_seconds() - self.others_before) / elapsed
        text = (f"{elapsed:.0f} s; other programs took {max(0, others):.2f} of {os.cpu_count()} "
                "processors meanwhile")
        is_busy = others > BUSY_SHARE * os.cpu_count()
        return text + (": THE MACHINE WAS BUSY, do not trust these figures" if is_busy else "")


def load_warning():
    load = os.getloadavg()[0]
    if load <= os.cpu_count():
        return ""
    return f"THE MACHINE IS BUSY: load {load:.1f} on {os.cpu_count()} processors at the start"
