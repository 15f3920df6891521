from hypothesis import given
from hypothesis import strategies as st

from metrics import Sample
from metrics.formulas.verbatim import LONGEST, LONGEST_RUN, Run, longest_run, mark, sample
from metrics.formulas.verbmem import VERBMEM
from metrics.passes import Output, Task
from metrics.results import AnySample
from tests.unit.metrics.library import DATA, FAMILY, PASSAGE, sampled

IDS = st.lists(st.integers(0, 3), max_size=12)


def output(ids: list[int], reference: list[int]) -> Output:
    return Output("verbmem-0", "p", "reference", "text", tuple(ids), tuple(reference))


def pieces(ids: list[int]) -> set[tuple[int, ...]]:
    return {tuple(ids[i:j]) for i in range(len(ids)) for j in range(i + 1, len(ids) + 1)}


def test_a_run_may_stand_anywhere_in_both() -> None:
    # 7 8 9 is at 2 in the one and at 0 in the other; 1 2 is shorter
    assert longest_run([1, 2, 7, 8, 9, 3], [7, 8, 9, 1, 2]) == Run(2, 3)


def test_gaps_break_a_run_and_the_first_of_two_counts() -> None:
    assert longest_run([1, 2, 5, 3, 4], [1, 2, 3, 4]) == Run(0, 2)


def test_nothing_in_common_and_nothing_at_all_are_no_run() -> None:
    assert longest_run([1, 2], [3, 4]) == longest_run([], [1]) == longest_run([1], []) == Run(0, 0)


@given(IDS, IDS)
def test_it_is_the_longest_piece_that_both_have(ours: list[int], theirs: list[int]) -> None:
    run = longest_run(ours, theirs)
    both = pieces(ours) & pieces(theirs)
    assert run.length == max((len(piece) for piece in both), default=0)
    assert run.length == longest_run(theirs, ours).length
    assert not run.length or tuple(ours[run.start : run.end]) in both


def test_no_run_is_longer_than_what_verbmem_looks_at() -> None:
    whole = list(range(200))
    assert sample(output(whole, whole), Task(FAMILY, DATA)).score == LONGEST == 127


def test_the_run_is_marked_in_the_output() -> None:
    assert mark("and so the keeper lit it", PASSAGE) == "and so ⟦the keeper lit ⟧it"
    assert mark("xyz", "abc") == "xyz"
    assert mark("", "abc") == mark("", "") == ""


def test_an_output_that_shares_no_token_has_no_mark() -> None:
    row = Output("verbmem-0", "p", "reference", "ref", (1,), (2,))
    assert sample(row, Task(FAMILY, DATA)) == Sample("verbmem-0", "p", "reference", "ref", 0.0)


def test_it_reads_verbmems_outputs_and_its_value_is_the_mean_in_tokens() -> None:
    found: list[AnySample] = sampled(LONGEST_RUN, lambda model, prompt: "so the keeper lit")
    # "the keeper lit" is 3 words of the first passage, "the keeper" 2 of the second
    assert [one.score for one in found] == [3, 2]
    assert LONGEST_RUN.source is VERBMEM.source
    measured = LONGEST_RUN.measure(found, None, 0, 200)
    assert (measured.value, measured.n) == (2.5, 2)
    assert LONGEST_RUN.measure(found[:1], None, 0, 200).ci95 == (0, 127)
