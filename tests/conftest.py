"""The order of the tests: what is quick and tells most comes first, the browser last."""

import pytest

LAST = ("test_publish.py", "tests/book", "tests/browser")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests of the library before those of the book, and those before the browser's."""

    def place(item: pytest.Item) -> int:
        path = item.path.as_posix()
        return next((n for n, name in enumerate(LAST, 1) if name in path), 0)

    items.sort(key=place)
