"""Within-class deviations of a batch, against a loop over classes."""

import numpy as np
import pytest
import torch
from torch import nn

from train.models.minibatch_stddev import LEAST, MinibatchStddev, within_class_stddev


def by_hand(features: np.ndarray, labels: np.ndarray) -> np.ndarray:
    squares = np.zeros(features.shape[1])
    for label in set(labels.tolist()):
        own = features[labels == label]
        squares += np.square(own - own.mean(axis=0)).sum(axis=0)
    return np.sqrt(squares / len(features) + LEAST)


def test_it_is_the_deviation_within_each_class_of_the_whole_batch():
    rng = np.random.default_rng(0)
    labels = np.array([0, 0, 0, 1, 1, 2, 2, 2, 2])  # nobody of class 3
    features = rng.normal(size=(9, 5)) * [1, 2, 3, 0, 10] + 100.0 * labels[:, None]
    classes = nn.functional.one_hot(torch.from_numpy(labels), 4).float()
    found = within_class_stddev(torch.from_numpy(features).float(), classes)
    assert found.numpy()[0] == pytest.approx(by_hand(features, labels), rel=1e-3)
    alone = within_class_stddev(torch.from_numpy(features).float())
    assert alone.numpy()[0] == pytest.approx(by_hand(features, 0 * labels), rel=1e-3)


def test_classes_that_come_once_do_not_count_and_equal_pictures_have_a_slope():
    features = torch.randn(3, 4)
    assert torch.allclose(within_class_stddev(features, torch.eye(3)), torch.full((1, 4), LEAST**0.5))
    equal = torch.ones(6, 4).requires_grad_()
    within_class_stddev(equal).sum().backward()
    assert equal.grad.isfinite().all()


def test_what_it_adds_is_the_same_under_autocast():
    net, features = MinibatchStddev(4), torch.randn(8, 4)
    nn.init.normal_(net.head.weight)
    with torch.autocast("cpu", torch.bfloat16):
        found = net(features)
    assert found.dtype == torch.float32 and torch.equal(found, net(features)) and found.shape == (1, 1)
