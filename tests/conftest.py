"""Fixtures shared by the tests: each book test runs on the slow twin and on the compiled book."""

import importlib

import pytest
from reference.book import OrderBook as TwinBook


@pytest.fixture(scope="session")
def core_book():
    """Class of the compiled book; a package that does not offer it is an error, not a skip."""
    return importlib.import_module("cascade").OrderBook


@pytest.fixture(params=["twin", "core"])
def new_book(request):
    """Makes a book from the keywords of `cascade.OrderBook`; what it made is validated at the end."""
    found = TwinBook if request.param == "twin" else request.getfixturevalue("core_book")
    made = []

    def make(**keywords):
        made.append(found(**keywords))
        return made[-1]

    yield make
    for book in made:
        book.validate()


@pytest.fixture
def book(new_book):
    """An empty book with tick and lot of one."""
    return new_book()
