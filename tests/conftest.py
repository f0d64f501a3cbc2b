"""The order of the tests, and which of them a worker of pytest-xdist runs one after the other.

What is quick and tells most comes first, the browser last, and the longest way through it first
of all that needs the browser, so that no worker is left alone with it at the end.
"""

import pytest
from xdist.scheduler import LoadScopeScheduling

LAST = ("test_publish.py", "tests/book", "tests/browser/test_learner.py", "tests/browser")
# Files whose tests share nothing, and take long. All others run whole, in their order: they share
# a built page, a kernel, a server or a port.
SPREAD = (
    "tests/browser/test_carried.py",
    "tests/browser/test_failures.py",
    "tests/browser/test_keyboard.py",
    "tests/browser/test_layout.py",
    "tests/browser/test_live_cells.py",
    "tests/browser/test_path.py",
    "tests/browser/test_work.py",
    "tests/course/test_chapters.py",
    "tests/mutation/test_mutation.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests of the library before those of the book, and those before the browser's."""

    def place(item: pytest.Item) -> int:
        path = item.path.as_posix()
        return next((n for n, name in enumerate(LAST, 1) if name in path), 0)

    items.sort(key=place)


class ByFile(LoadScopeScheduling):
    """Hands out the tests file by file, in their order, and those that stand alone one by one."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return nodeid if file in SPREAD else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByFile:
    """Let workers take the next file as soon as they are done with theirs."""
    config.option.loadscopereorder = False  # the order is ours
    return ByFile(config, log)
