"""Products with sparse matrices give what scaled dot-product attention gives."""

import pytest
import torch
from torch.nn import functional as F

from loaders.engine.attention import attend, is_possible, make_pattern

WIDTH, SLOTS, SLOT = 6, 5, 12


def states(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.mark.parametrize("heads", [(4, 4), (4, 2), (3, 1)])
@pytest.mark.parametrize("lengths", [[7, 7, 7], [3, 7, 1]])
def test_each_row_sees_its_own_tokens_and_no_others(
    heads: tuple[int, int], lengths: list[int]
) -> None:
    queries, keys = heads
    held, kept = states(SLOTS, keys, SLOT, WIDTH), states(SLOTS, keys, SLOT, WIDTH) + 1
    asked = states(len(lengths), queries, 1, WIDTH)
    seen, values = (buffer[1:4, :, : max(lengths)] for buffer in (held, kept))
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    mask = mask[:, None, None] if len(set(lengths)) > 1 else None
    pattern = make_pattern(len(lengths), queries, keys, max(lengths), SLOT, mask)
    expected = F.scaled_dot_product_attention(asked, seen, values, mask, enable_gqa=True)
    torch.testing.assert_close(attend(pattern, asked, seen, values), expected)


def test_a_build_without_them_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object, **__: object) -> torch.Tensor:
        raise NotImplementedError("Could not run 'aten::sparse_sampled_addmm'")

    monkeypatch.setattr(torch.sparse, "sampled_addmm", refuses)
    assert not is_possible.__wrapped__()


def test_this_build_of_torch_has_them_and_says_nothing(
    recwarn: pytest.WarningsRecorder,
) -> None:
    assert is_possible()
    assert not [warning for warning in recwarn if "beta state" in str(warning.message)]
