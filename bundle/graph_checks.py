"""The checks that a bundle must pass on a processor before it is served."""

import numpy as np

from bundle import differences
from bundle.errors import BundleError, UserError, first_line
from bundle.feeds import RunGraph
from bundle.images import to_uint8
from bundle.read import GOLDEN, OpenBundle
from bundle.schema import Tensor
from bundle.trial_inputs import TrialInputs, random_rows

MAX_CHANGE = 1e-3  # by which a row may change with the others in its batch, as a share: a quarter of a grey level
MAX_DRIFT = 2.0  # grey levels by which a seed may differ from its picture on the sample sheet: see `sheet_drift`


def check_graphs(bundle: OpenBundle, run: RunGraph) -> None:
    """Runs every graph on one and on two random rows, or on one where no more go at once. Raises BundleError when one
    misbehaves.

    Outputs must be finite, have the declared shape and not depend on the other rows of the batch; images must lie in
    [0, 1]; the first seeds must give the pictures of the sample sheet.
    """
    inputs = TrialInputs.of_bundle(bundle, run)
    for name, graph in bundle.info.graphs.items():
        found = []
        for batch in range(1, min(2, bundle.info.max_batch) + 1):
            feed = random_rows(inputs.graphs[name], range(batch), bundle.examples, spread=(1.0,))
            try:
                found.append(run(name, feed))
            except UserError:
                raise
            except Exception as error:  # onnxruntime's errors share no base class
                raise faulty(bundle, name, f"does not run ({first_line(error)})") from error
            for tensor in graph.outputs:
                _check_output(bundle, name, tensor, found[-1][tensor.name], batch)
        for tensor in graph.outputs:
            alone, together = found[0][tensor.name][0], found[-1][tensor.name][0]
            if np.abs(alone - together).max() > MAX_CHANGE * max(1.0, np.abs(alone).max()):
                raise faulty(bundle, name, f"gives a '{tensor.name}' that depends on the other rows of its batch")
    _check_golden(bundle, inputs)


def _check_golden(bundle: OpenBundle, inputs: TrialInputs) -> None:
    """Compares seeds 0, 1, … with the sample sheet: a graph that runs may still hold another network."""
    seeds, run = range(GOLDEN), inputs.run
    drawn: dict[str, np.ndarray] = {}  # by the graph that drew them
    if "generator" in inputs.graphs:
        feed = inputs.seed_rows("generator", seeds)
        drawn["generator"] = run("generator", feed)["image"]
        if "mapping" in inputs.graphs:
            drawn["synthesis"] = run("synthesis", run("mapping", feed))["image"]
    else:
        drawn["decoder"] = run("decoder", inputs.seed_rows("decoder", seeds))["image"]
    for graph, image in drawn.items():
        drift = sheet_drift(bundle, to_uint8(image))
        if drift.max() > MAX_DRIFT:
            raise faulty(bundle, graph, f"does not draw the pictures of its sample sheet (seed {drift.argmax()})")


def sheet_drift(bundle: OpenBundle, pictures: np.ndarray) -> np.ndarray:
    """How far the pictures uint8 [GOLDEN, H, W, C] of seeds 0, 1, … are from those on the sample sheet: the root mean
    square difference of each, in grey levels, [GOLDEN]."""
    return np.sqrt(np.mean((pictures.astype(np.float64) - bundle.golden) ** 2, axis=(1, 2, 3)))


def _check_output(bundle: OpenBundle, graph: str, tensor: Tensor, values: np.ndarray, batch: int) -> None:
    if problem := differences.fault(values, (batch, *tensor.row_shape)):
        raise faulty(bundle, graph, f"gives an output '{tensor.name}' that {problem}")
    if tensor.name == "image" and (values.min() < 0 or values.max() > 1):
        raise faulty(bundle, graph, "gives pictures outside the range from 0 to 1")


def faulty(bundle: OpenBundle, graph: str, what: str) -> BundleError:
    """The error for a faulty graph; `what`: the end of the sentence, e.g. "does not run"."""
    return BundleError(f"Graph '{graph}' of bundle '{bundle.info.name}' {what}.")
