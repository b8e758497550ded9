# SPDX-License-Identifier: MIT
"""Every stack reads as the interpreter itself shows it at the same spot."""

from checks import check_stacks
from interpreters import each_supported


@each_supported
def test_frames_equal_those_of_the_interpreter(python, stage):
    check_stacks(stage, python)
