"""Which weights belong to which stage, what two generators can be mixed of, and the mixture itself."""

import pytest
import torch
from torch import Tensor

from bundle.errors import UserError
from export.weight_mixing import fit, misfit, mixed, reasons, shares_of_stages, stage_numbers, stage_of
from train.models.bases import GeneratorBase
from train.models.convolutional import Generator
from train.models.fully_connected import DenseGenerator
from train.models.residual import ResidualGenerator
from train.models.skip import SkipGenerator

WIDTHS = (8, 8, 4)  # 4, 8 and 16 pixels
KINDS = {"conv": Generator, "skip": SkipGenerator, "residual": ResidualGenerator}
NAMES = ("cats", "dogs")


def made(kind: str = "conv", channels: int = 1, classes: int = 2, widths: tuple[int, ...] = WIDTHS) -> GeneratorBase:
    side = 4 * 2 ** (len(widths) - 1)
    return KINDS[kind](channels, (side, side), classes, 6, 8, widths)


def weights(*args, **settings) -> dict[str, Tensor]:
    return made(*args, **settings).state_dict()


@pytest.mark.parametrize("kind", KINDS)
def test_a_weight_belongs_to_the_stage_whose_style_it_meets(kind: str):
    """Seen by what changes: the pictures of one size, and no gradient of another stage's style."""
    net = made(kind)
    for stage in (1, 2, 3):
        w = torch.randn(1, 3, 8, generator=torch.Generator().manual_seed(0)).requires_grad_()
        with torch.no_grad():
            for name, value in net.named_parameters():
                if ".style.weight" in name and stage_of(name, 3) == stage:
                    value.zero_()
        net.synthesis.signal(w).square().sum().backward()
        assert w.grad is not None and not w.grad[0, :stage].any()  # that stage no longer reads its style
        if stage < 3 and kind == "conv":
            assert w.grad[0, stage:].any()
    assert all((stage_of(name, 3) is None) == name.startswith("mapping.") for name in net.state_dict())
    assert {stage_of(name, 3) for name in net.state_dict()} == {None, 1, 2, 3}


def test_a_fully_connected_generator_has_one_stage():
    state = DenseGenerator(1, (8, 8), 2, 6, 8).state_dict()
    assert {stage_of(name, 1) for name in state} == {1}


def test_what_fits_and_what_does_not():
    grey, colour, deep = weights(), weights(channels=3), weights(widths=(8, 8, 4, 4))
    assert all(not one.problem for one in fit(grey, weights(), (3, 3)))
    same = fit(grey, grey, (3, 3))
    assert [round(one.cosine or 0, 5) for one in same] == [1, 1, 1]
    assert sum(one.parameters for one in same) == sum(v.numel() for k, v in grey.items() if k.startswith("synthesis"))
    *first, last = fit(grey, colour, (3, 3))
    assert not any(one.problem for one in first)
    assert "synthesis.to_image.bias is 1 in the first generator and 3 in the second" in reasons([last])
    assert fit(deep, grey, (4, 3))[3].problem == "the second generator has only 3 stages"
    assert "only the first generator has synthesis.to_image.0" in fit(weights("skip"), grey, (3, 3))[0].problem
    assert misfit(grey, grey) == ""


def test_shares_of_stages():
    fits, half = fit(weights(), weights(), (3, 3)), fit(weights(), weights(channels=3), (3, 3))
    assert shares_of_stages(fits, [2, 3], None, NAMES) == [0, 1, 1]
    assert shares_of_stages(fits, None, 0.25, NAMES) == [0.25] * 3
    assert shares_of_stages(fits, [1], 0.5, NAMES) == [0.5, 0, 0]
    assert shares_of_stages(half, None, 0.5, NAMES) == [0.5, 0.5, 0]  # every stage that fits
    assert shares_of_stages(fits, None, None, NAMES, mapping=0.5) == [0, 0, 0]  # the mapping alone
    with pytest.raises(UserError, match=r"cats and dogs do not fit: Stage 3 cannot be mixed: .*These can: 1, 2\."):
        shares_of_stages(half, [2, 3], None, NAMES)
    with pytest.raises(UserError, match=r"No stage can\."):
        shares_of_stages(fit(weights("skip"), weights(channels=3), (3, 3)), None, 0.5, NAMES)


@pytest.mark.parametrize(
    "stages, share, words",
    [(None, None, "Say what to take from dogs"), ([4], None, "there is no stage 4"), ([0], None, "there is no stage 0"),
     ([1], 0.0, "larger than 0"), (None, 1.5, "at most 1"), (None, float("nan"), "larger than 0")],
)  # fmt: skip
def test_shares_that_are_none(stages: list[int] | None, share: float | None, words: str):
    with pytest.raises(UserError, match=words):
        shares_of_stages(fit(weights(), weights(), (3, 3)), stages, share, NAMES)


def test_the_mixture():
    a, b = weights(), weights()
    found = mixed(a, b, [0, 1, 0.25], 0)
    for name, value in found.items():
        wanted = {None: a[name], 1: a[name], 2: b[name], 3: 0.75 * a[name] + 0.25 * b[name]}[stage_of(name, 3)]
        assert torch.equal(value, wanted), name
    assert all(torch.equal(value, b[name]) for name, value in mixed(a, b, [1, 1, 1], 1).items())
    assert torch.allclose(mixed(a, b, [0, 0, 0], 0.5)["mapping.body.0.weight"],
                          (a["mapping.body.0.weight"] + b["mapping.body.0.weight"]) / 2)  # fmt: skip
    found["synthesis.constant"].zero_()
    assert a["synthesis.constant"].any()


def test_stages_in_words():
    assert stage_numbers("4-5") == [4, 5] and stage_numbers("3, 1-2,2") == [1, 2, 3] and stage_numbers("2-2") == [2]
    for wrong in ("", "a", "5-4", "1,,2", "-1", "1.5", "²", "100"):
        with pytest.raises(UserError, match="write numbers of stages from 1"):
            stage_numbers(wrong)
