"""The names under which metrics are asked for."""

import pytest

from loaders import Fault
from metrics import HEADLINE, METRICS
from metrics.registry import ALL, choose, find_metric


def test_without_a_choice_it_is_the_headline() -> None:
    assert choose(None) == HEADLINE
    assert [metric.key for metric in HEADLINE] == [
        *("verbmem_f", "knowmem_f", "privleak", "knowmem_r", "fluency"),
    ]


def test_all_is_every_metric() -> None:
    assert choose([ALL]) == METRICS


@pytest.mark.parametrize("group", sorted({metric.group for metric in METRICS}))
def test_a_groups_name_stands_for_all_of_it(group: str) -> None:
    assert choose([group]) == tuple(metric for metric in METRICS if metric.group == group)


def test_groups_and_keys_together_come_once_and_in_the_registrys_order() -> None:
    chosen = choose(["knowmem_rehearsed", "fluency", "headline", "fluency"])
    assert chosen == tuple(m for m in METRICS if m in HEADLINE or m.key == "knowmem_rehearsed")


def test_rehearsed_knowledge_is_utility() -> None:
    assert "knowmem_rehearsed" in [metric.key for metric in choose(["utility"])]


def test_no_name_stands_for_two_things() -> None:
    names = [metric.key for metric in METRICS] + sorted({metric.group for metric in METRICS})
    assert len({*names, ALL}) == len(names) + 1


def test_an_unknown_name_is_a_fault_with_every_choice() -> None:
    with pytest.raises(Fault, match=r"no metric 'rouge'; choose from verbmem_f, .*utility, all\."):
        choose(["fluency", "rouge"])


def test_a_metric_is_found_by_its_key_alone() -> None:
    assert find_metric("fluency").label == "Fluency"
    with pytest.raises(Fault, match="There is no metric 'headline'; choose from verbmem_f"):
        find_metric("headline")
