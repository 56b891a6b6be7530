"""What bundle.json may say: the schema of a bundle, as data. Reading and verifying: bundle/read.py.

This module has the index as a whole; its parts lie beside it, by subject, and are imported from here.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from bundle.errors import BundleError
from bundle.schema.entries import (
    MAX_FILE_BYTES,
    MAX_LATENT,
    MAX_SIDE,
    Entry,
    File,
    Model,
    Tensor,
    aware,
)
from bundle.schema.graphs import (
    GAN_GRAPHS,
    GRAPHS,
    MAX_FIXED_SIZE,
    MAX_LISTED_VALUES,
    STYLE_GRAPHS,
    USUAL_GRAPHS,
    VAE_GRAPHS,
    VAE_NEEDS,
    Adapter,
    ClassInput,
    ElementType,
    FixedInput,
    Graph,
    Layout,
    PixelValues,
)
from bundle.schema.measurements import (
    HELD_OUT,
    Better,
    Figure,
    GraphDifference,
    Quality,
    RuntimeComparison,
    RuntimeResult,
)
from bundle.schema.pictures import (
    MAX_ATTRIBUTE_NAME,
    MAX_ATTRIBUTES,
    Attribute,
    AttributeEffect,
    Dataset,
    Fit,
    Gan,
    ImageShape,
    Likelihood,
    Prior,
    Vae,
)
from bundle.schema.training import (
    MAX_POINTS,
    MAX_SERIES,
    SNAPSHOT_FILES,
    Alarm,
    Curve,
    Snapshot,
    SnapshotFile,
    Snapshots,
    Training,
)

__all__ = [
    "BUNDLE_NAME",
    "GRAPHS",
    "HELD_OUT",
    "MAX_ATTRIBUTES",
    "MAX_ATTRIBUTE_NAME",
    "MAX_BUNDLE_NAME",
    "MAX_FILE_BYTES",
    "MAX_FIXED_SIZE",
    "MAX_LATENT",
    "MAX_LISTED_VALUES",
    "MAX_POINTS",
    "MAX_SERIES",
    "MAX_SIDE",
    "MAX_TITLE",
    "SCHEMA_VERSION",
    "SNAPSHOT_FILES",
    "USUAL_GRAPHS",
    "Adapter",
    "Alarm",
    "AttributeEffect",
    "Better",
    "BundleIndex",
    "ClassInput",
    "Curve",
    "ElementType",
    "Figure",
    "File",
    "Fit",
    "FixedInput",
    "Gan",
    "Graph",
    "GraphDifference",
    "ImageShape",
    "Layout",
    "Likelihood",
    "Model",
    "PixelValues",
    "Prior",
    "Quality",
    "RuntimeComparison",
    "RuntimeResult",
    "Snapshot",
    "Snapshots",
    "Tensor",
    "Training",
]

SCHEMA_VERSION = 3  # bundle/migrate.py reads versions 1 and 2
MAX_BUNDLE_NAME = 64  # characters
BUNDLE_NAME = rf"[a-z0-9][a-z0-9_-]{{0,{MAX_BUNDLE_NAME - 1}}}"  # the whole of a name
MAX_TITLE = 200  # characters


class BundleIndex(Entry):
    """The content of bundle.json."""

    schema_version: Literal[3]
    name: Annotated[str, Field(pattern=f"^{BUNDLE_NAME}$")]
    title: Annotated[str, Field(min_length=1, max_length=MAX_TITLE)]
    created: Annotated[datetime, AfterValidator(aware)]
    dataset: Dataset
    image: ImageShape
    max_batch: Annotated[int, Field(ge=1, le=4096)]
    graphs: dict[str, Graph]
    files: dict[Literal["latents", "examples", "sheet", "training"] | SnapshotFile, File]
    gan: Gan | None
    vae: Vae | None
    quality: Quality | None
    runtime_comparison: RuntimeComparison | None = None
    training: dict[str, Training]
    attributes: Annotated[tuple[Attribute, ...], Field(max_length=MAX_ATTRIBUTES)] = ()

    @property
    def models(self) -> tuple[Model, ...]:
        """The models that this bundle holds."""
        held: tuple[tuple[Model, Gan | Vae | None], ...] = (("gan", self.gan), ("vae", self.vae))
        return tuple(name for name, entry in held if entry is not None)

    @property
    def has_styles(self) -> bool:
        """Whether the GAN has styles w, between a mapping and a synthesis; an adopted generator is a single graph."""
        return self.gan is not None and self.gan.w_dim is not None

    def require_gan(self) -> Gan:
        """The entry of the GAN. Raises BundleError when the bundle has none."""
        if self.gan is None:
            raise BundleError(f"Bundle '{self.name}' has no GAN.")
        return self.gan

    def require_vae(self) -> Vae:
        """The entry of the VAE. Raises BundleError when the bundle has none."""
        if self.vae is None:
            raise BundleError(f"Bundle '{self.name}' has no VAE.")
        return self.vae

    def require_styles(self) -> tuple[int, int]:
        """(stages L, width) of the GAN's w [N, L, width]. Raises BundleError when it has none."""
        gan = self.require_gan()
        if gan.stages is None or gan.w_dim is None:
            raise BundleError(f"The generator of bundle '{self.name}' has no styles.")
        return gan.stages, gan.w_dim

    def require_graph(self, name: str) -> Graph:
        """The entry of a graph. Raises BundleError when the bundle has none of this name."""
        if name not in self.graphs:
            raise BundleError(f"Bundle '{self.name}' has no graph '{name}'.")
        return self.graphs[name]

    @model_validator(mode="after")
    def _consistent(self) -> "BundleIndex":
        if self.gan is None and self.vae is None:
            raise ValueError("a bundle needs a 'gan' or a 'vae'")
        needed = (("generator",) if self.gan else ()) + (VAE_NEEDS if self.vae else ())
        if self.gan and (self.gan.w_dim or self.gan.stages or set(STYLE_GRAPHS) & set(self.graphs)):
            needed += STYLE_GRAPHS
            if not (self.gan.w_dim and self.gan.stages):
                raise ValueError("a GAN with styles needs 'w_dim' and 'stages'")
        missing = [f"graphs.{name}" for name in needed if name not in self.graphs]
        files = ("sheet",) if set(self.graphs) == {"generator"} else ("latents", "examples", "sheet")
        missing += [f"files.{name}" for name in files if name not in self.files]
        if missing:
            raise ValueError(f"{' and '.join(missing)} missing")
        if any(graph.adapter and name != "generator" for name, graph in self.graphs.items()):
            raise ValueError("only a generator may have an adapter")
        for model, key in SNAPSHOT_FILES.items():
            told = model in self.training and self.training[model].snapshots is not None
            if told != (key in self.files):
                raise ValueError(f"'files.{key}' and 'training.{model}.snapshots' come together or not at all")
        names = [attribute.name for attribute in self.attributes]
        if len(set(names)) < len(names):
            raise ValueError("two attributes have the same name")
        if any((one.gan and not self.has_styles) or (one.vae and not self.vae) for one in self.attributes):
            raise ValueError("an attribute has a direction only in styles of the 'gan' or in codes of the 'vae'")
        if bool(names) != ("attributes" in self.graphs):
            raise ValueError("the graph 'attributes' and the list of attributes need each other")
        for name, graph in self.graphs.items():
            self._check_graph(name, graph)
        return self

    def _check_graph(self, name: str, graph: Graph) -> None:
        if name not in GRAPHS:
            raise ValueError(f"unknown graph '{name}'")
        if (name in GAN_GRAPHS and self.gan is None) or (name in VAE_GRAPHS and self.vae is None):
            raise ValueError(f"graph '{name}' needs the entry 'gan' or 'vae' that describes its latents")
        for kind, tensors, names in (
            ("inputs", graph.inputs, GRAPHS[name].inputs),
            ("outputs", graph.outputs, GRAPHS[name].outputs),
        ):
            wanted = tuple(n for n in names if n != "classes" or self.dataset.classes)
            if tuple(tensor.name for tensor in tensors) != wanted:
                raise ValueError(f"the {kind} of graph '{name}' must be {', '.join(wanted)}")
            for tensor in tensors:
                shape = self._shape(name, tensor.name)
                if shape is not None and tensor.shape[1:] != shape:
                    raise ValueError(f"'{tensor.name}' of graph '{name}' must have shape {('batch', *shape)}")

    def _shape(self, graph: str, tensor: str) -> tuple[int, ...] | None:
        """The shape of one picture's share of a tensor; None = any."""
        classes = max(len(self.dataset.classes), 1)
        shapes: dict[str, tuple[int, ...]] = {
            "image": self.image.shape,
            "mask": (1, *self.image.shape[1:]),
            "score": (1,),
            "classes": (classes,),
            "logits": (classes,),
            "attributes": (len(self.attributes),),
        }
        if self.gan and graph in GAN_GRAPHS:
            shapes |= {"z": (self.gan.latent_dim,), "w": (self.gan.stages or 0, self.gan.w_dim or 0)}
        if self.vae and graph in VAE_GRAPHS:
            shapes |= {name: (self.vae.latent_dim,) for name in ("z", "mean", "logvar")}
        return shapes.get(tensor)
