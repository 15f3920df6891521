"""Whose results are kept where: one's own page, a public page, a store that does not open."""

import pytest

from dashboard.results import shelves as module
from dashboard.results.shelves import Shelves
from loaders import Fault
from metrics.store import Store, open_private


def test_on_a_page_of_ones_own_all_tabs_share_the_users_store() -> None:
    opened: list[Store] = []

    def opening() -> Store:
        opened.append(open_private())
        return opened[-1]

    shelves = Shelves(is_public=False, opened=opening)
    assert shelves.open("one").store is shelves.open("other").store
    assert len(opened) == 1


def test_on_a_public_page_nobody_sees_anothers_and_leaving_forgets() -> None:
    def never() -> Store:
        raise AssertionError("the user's store was opened on a public page")

    shelves = Shelves(is_public=True, opened=never)
    one = shelves.open("one").store
    assert shelves.open("one").store is one
    assert shelves.open("other").store is not one
    shelves.leave("one")
    assert shelves.open("one").store is not one


def test_a_store_that_does_not_open_is_said_and_the_visit_goes_on() -> None:
    def broken() -> Store:
        raise Fault("The store is damaged.")

    shelf = Shelves(is_public=False, opened=broken).open("one")
    assert shelf.fault == "The results are not kept after this visit. The store is damaged."
    assert shelf.store.list() == ()


def test_of_too_many_visitors_the_one_left_alone_longest_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_VISITORS", 2)
    shelves = Shelves(is_public=True)
    first, second = shelves.open("first").store, shelves.open("second").store
    assert shelves.open("first").store is first
    shelves.open("third")
    assert shelves.open("first").store is first
    assert shelves.open("second").store is not second
