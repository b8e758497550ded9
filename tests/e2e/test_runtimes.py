# SPDX-License-Identifier: MIT
"""What programs do with an interpreter: other allocators, threads, greenlets, tasks.

These are columns of the matrix, for the interpreters of this machine.
"""

import pytest

from checks import FEATURES
from interpreters import each_supported
from processes import Missing

# Up to 3.12 a subinterpreter has one thread state, which names the thread that made it, whichever
# thread runs it: in another one, the frames of who runs it are shown instead of its own.
MISREAD_UP_TO = {"subinterp": (3, 12)}
TESTED_ELSEWHERE = ("attach", "stacks", "exact", "leak", "detach", "tracemalloc")


@each_supported
@pytest.mark.parametrize("feature", [name for name in FEATURES if name not in TESTED_ELSEWHERE])
def test_feature_holds(feature, python, stage, request):
    if python and python.minor <= MISREAD_UP_TO.get(feature, ()):
        request.applymarker(pytest.mark.xfail(strict=True, reason=f"{feature} is misread"))
    try:
        FEATURES[feature](stage, python)
    except Missing as missing:
        pytest.skip(str(missing))
