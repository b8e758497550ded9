# SPDX-License-Identifier: MIT
"""What programs do with an interpreter: other allocators, threads, greenlets, tasks.

These are columns of the matrix, for the interpreters of this machine.
"""

import pytest

from checks import FEATURES
from interpreters import each_supported
from processes import Missing

TESTED_ELSEWHERE = ("attach", "stacks", "exact", "leak", "detach", "tracemalloc")


@each_supported
@pytest.mark.parametrize("feature", [name for name in FEATURES if name not in TESTED_ELSEWHERE])
def test_feature_holds(feature, python, stage):
    try:
        FEATURES[feature](stage, python)
    except Missing as missing:
        pytest.skip(str(missing))
