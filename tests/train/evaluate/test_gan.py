"""Copies of training pictures are found where a generator hands them out."""

import numpy as np

from train.data.load import load
from train.data.splits import random_subset
from train.evaluate.context import EvaluationContext
from train.evaluate.evaluator import Evaluator
from train.evaluate.feature_extractor import choose_extractor
from train.evaluate.gan import measure_gan
from train.evaluate.handles import GanHandle
from train.evaluate.report import Report
from train.evaluate.subject import open_subject


def test_copies_of_training_pictures_are_found(trained_run, shape_pictures):
    info, train, test = load(str(shape_pictures), quiet=True)
    reference = random_subset(train, 40)
    extractor = choose_extractor(open_subject(trained_run), None, None, "0..1")
    evaluator = Evaluator(extractor, reference.images.numpy(), test.images.numpy())
    context = EvaluationContext(Report({}), evaluator, reference, test, train.images.numpy(), len(info.classes), 0)
    thief = GanHandle(4, "normal", lambda z, classes: train.images[: len(z)].numpy() / np.float32(255))
    measure_gan(context, thief)
    for space in ("features", "pixels"):
        assert context.report[f"gan.{space}_ratio"].value < 0.01 * context.report[f"gan.{space}_ratio"].floor
        assert context.report[f"gan.{space}_copies"].value == 1
        assert context.report[f"gan.{space}_nearer"].value > 0.95
        sheet, columns = context.sheets[f"gan_closest_{space}.png"]
        tiles = sheet.reshape(16, 4, *sheet.shape[1:])
        assert columns == 16
        assert np.array_equal(tiles[:, 0], tiles[:, 1])
        assert not np.array_equal(tiles[:, 0], tiles[:, 2])
