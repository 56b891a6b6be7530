"""Minibatch standard deviation: shows a critic how much the pictures of a batch differ within their classes.

A critic that sees one picture at a time does not notice that they resemble each other, so a generator may leave out
rare kinds. Statistics of the batch reveal it (Salimans et al. 2016, arXiv 1606.03498, section 3.2); the standard
deviation of features is the simplest (Karras et al. 2018, arXiv 1710.10196, section 3). Batch normalisation in a
DCGAN's critic reveals the same by accident.
"""

import torch
from torch import Tensor, nn

LEAST = 1e-4  # added to variances, so that the root has a slope where all pictures are alike


def within_class_stddev(features: Tensor, classes: Tensor | None = None) -> Tensor:
    """features [N, F], classes [N, K] or None -> [1, F]: standard deviation of each feature about the mean of
    its class in this batch (with None: of the batch), float32.

    Batches with the same classes can be compared; a class with one picture counts as no deviation.
    """
    features = features.float()
    if classes is None:
        means = features.mean(dim=0, keepdim=True)
    else:
        means = classes @ (classes.T @ features / classes.sum(dim=0).clamp_min(1)[:, None])
    return ((features - means).square().mean(dim=0, keepdim=True) + LEAST).sqrt()


class MinibatchStddev(nn.Module):
    """What the standard deviations of a batch add to the score of each of its pictures: nothing before training."""

    def __init__(self, width: int):
        super().__init__()
        self.head = nn.Linear(width, 1, bias=False)
        nn.init.zeros_(self.head.weight)

    def forward(self, features: Tensor, classes: Tensor | None = None) -> Tensor:
        """features [N, F], classes [N, K] or None -> [1, 1], the same for the whole batch."""
        with torch.autocast(features.device.type, enabled=False):
            return self.head(within_class_stddev(features, classes))
