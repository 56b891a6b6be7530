"""The network in whose features pictures are compared: files, classifiers of grey pictures, random weights."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

from bundle.errors import UserError
from tests.support.pictures import draw_folder
from tests.support.trained import FEW as QUICK
from tests.support.trained import train
from tests.train.evaluate.support import FEW, refusal
from train.evaluate.evaluation import evaluate
from train.evaluate.feature_extractor import choose_extractor, from_file, from_random_weights
from train.evaluate.handles import Subject
from train.evaluate.subject import open_subject
from train.settings import EvaluateSettings


@pytest.fixture(scope="module")
def subject(trained_run) -> Subject:
    return open_subject(trained_run)


def onnx_features(path: Path, shape: list, output: list | None = None) -> Path:
    """A graph whose features are the mean of each channel."""
    nodes = [helper.make_node("GlobalAveragePool", ["x"], ["m"]), helper.make_node("Flatten", ["m"], ["features"])]
    graph = helper.make_graph(
        nodes, "means", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, output or ["n", shape[1]])],
    )  # fmt: skip
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return path


@pytest.mark.parametrize(
    ("value_range", "expected"), [("0..1", 0.4), ("-1..1", -0.2), ("0..255", 102), ("imagenet", None)]
)
def test_a_feature_file_gets_the_numbers_it_wants(tmp_path, value_range, expected):
    extractor = from_file(onnx_features(tmp_path / "means.onnx", ["n", 3, 40, 40]), value_range, None)
    features, logits = extractor.extract(np.full((2, 1, 16, 16), 0.4, np.float32))
    wanted = [expected] * 3 if expected is not None else (0.4 - np.array([0.485, 0.456, 0.406])) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(features, [wanted] * 2, rtol=1e-4)
    assert logits is None
    assert not extractor.scaled


@pytest.mark.slow
@pytest.mark.usefixtures("short_leak")
def test_a_feature_file_measures_the_distances_and_the_classifier_reads_the_classes(trained_run, tmp_path, report):
    path = onnx_features(tmp_path / "means.onnx", ["n", 1, "h", "w"])
    found = evaluate(EvaluateSettings(trained_run, features=path, copies=False, truncation=(), **FEW)).report
    assert "means.onnx" in found.facts["features"]
    assert found["gan.frechet"].value != report["gan.frechet"].value
    assert found["gan.label_accuracy"].value == report["gan.label_accuracy"].value


def test_random_weights_are_the_same_each_time(subject):
    extractors = [from_random_weights(subject) for _ in range(2)]
    image = np.random.default_rng(0).random((2, 1, 16, 16), dtype=np.float32)
    assert extractors[0].sha256 == extractors[1].sha256
    np.testing.assert_array_equal(extractors[0].extract(image)[0], extractors[1].extract(image)[0])


def test_a_classifier_of_grey_pictures_sees_each_channel(subject):
    colour = replace(subject, data=replace(subject.data, channels=3, classes=()), classifier=None)
    extractor = choose_extractor(colour, subject.classifier, None, "0..1")
    image = np.random.default_rng(0).random((2, 3, 16, 16), dtype=np.float32)
    features, logits = extractor.extract(image)
    one = subject.classifier.classify(image[:, 1:2])[1]
    np.testing.assert_allclose(features[:, one.shape[1] : 2 * one.shape[1]], one, atol=1e-5)
    assert logits is None


def test_a_classifier_of_another_size_is_refused(trained_run, tmp_path, capsys):
    data = draw_folder(tmp_path / "pictures", 120)
    train("classifier", other := tmp_path / "run", "--data", data, "--size", "32", *QUICK)
    assert "takes 1 x 32 x 32" in refusal(capsys, trained_run, "--classifier", other)


def test_files_that_give_no_features_are_refused(trained_run, tmp_path, capsys):
    torch.save({}, tmp_path / "weights.pt")
    (tmp_path / "text.onnx").write_text("hello")
    odd = onnx_features(tmp_path / "odd.onnx", ["n", 4, 8, 8])
    constant = helper.make_node("Constant", [], ["features"], value_floats=[1.0, 2.0])
    output = helper.make_tensor_value_info("features", TensorProto.FLOAT, [2])
    graph = helper.make_graph([constant], "no input", [], [output])
    alone = tmp_path / "alone.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), alone)
    for path, sentence in (
        (tmp_path / "weights.pt", "ONNX files only"),
        (tmp_path / "nothing.onnx", "does not exist"),
        (tmp_path / "text.onnx", "is not an ONNX graph"),
        (odd, "must have one input"),
        (alone, "must have one input"),
    ):
        assert sentence in refusal(capsys, trained_run, "--features", path)


def test_classes_are_read_by_a_classifier_of_the_same_classes_only(subject, tmp_path):
    path = onnx_features(tmp_path / "means.onnx", ["n", 1, "h", "w"])
    image = np.zeros((2, 1, 16, 16), np.float32)
    for classes, reads in ((subject.data.classes, True), ((), False), (("a", "b", "c", "d"), False)):
        pictures = replace(subject, data=replace(subject.data, classes=classes), classifier=None)
        _, logits = choose_extractor(pictures, subject.classifier, path, "0..1").extract(image)
        assert (logits is not None) == reads


@pytest.mark.parametrize("batch", [1, 4])
def test_a_file_of_a_fixed_batch_takes_any_number_of_pictures(subject, tmp_path, batch):
    path = onnx_features(tmp_path / "means.onnx", [batch, 1, 16, 16], [batch, 1])
    images = np.random.default_rng(0).random((6, 1, 16, 16), dtype=np.float32)
    features, _ = choose_extractor(subject, None, path, "0..1").extract(images)
    np.testing.assert_allclose(features[:, 0], images.mean(axis=(1, 2, 3)), rtol=1e-5)


def test_a_file_that_takes_no_pictures_of_this_size_is_refused_before_anything_is_measured(subject, tmp_path):
    taking = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 1, "h", "w"])
    giving = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", 4])
    shape = helper.make_tensor("shape", TensorProto.INT64, [2], [-1, 4])
    fixed = helper.make_tensor("fixed", TensorProto.FLOAT, [1, 1, 5, 5], [0.0] * 25)
    for name, nodes in {  # of pictures of 5 px; a row for each four pixels
        "size": [helper.make_node("Add", ["x", "fixed"], ["y"]), helper.make_node("Flatten", ["y"], ["features"])],
        "rows": [helper.make_node("Reshape", ["x", "shape"], ["features"])],
    }.items():
        graph = helper.make_graph(nodes, name, [taking], [giving], [fixed] if name == "size" else [shape])
        path = tmp_path / f"{name}.onnx"
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
        with pytest.raises(UserError, match=path.name):
            choose_extractor(subject, None, path, "0..1")
