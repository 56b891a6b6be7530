"""The settings of each export command, as tyro reads them from the command line. Docstrings are what --help says."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, get_args

import tyro

from export.precision import Precision
from export.runtimes import RuntimeName
from export.targets.triton import Device
from train.help_texts import reflowed

GraphName = Literal[
    "generator",
    "mapping",
    "synthesis",
    "critic",
    "inverter",
    "encoder",
    "repair",
    "decoder",
    "classifier",
    "attributes",
]
ALL_RUNTIMES: tuple[RuntimeName, ...] = get_args(RuntimeName)
# Commands and flags that scripts may still use -> what they are called now.
COMMAND_ALIASES = {
    "training": "training-codes", "directions": "class-directions", "attributes": "attribute-directions",
}  # fmt: skip
FLAG_ALIASES = {"--form": "--precision"}


def without_aliases(words: Sequence[str]) -> list[str]:
    """The words of a command line, command and flags under the names that they have now."""
    command = [COMMAND_ALIASES.get(word, word) for word in words[:1]]
    pairs = (word.partition("=") for word in words[1:])
    return command + [FLAG_ALIASES.get(flag, flag) + equals + value for flag, equals, value in pairs]


@reflowed
@dataclass(frozen=True)
class BundleSettings:
    """Write the bundle of a run: everything that a runtime needs, in one folder. An older bundle there is replaced only
    when the new one has passed its checks."""

    run: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """Run folder, e.g. runs/mnist."""
    target: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER")]
    """Folder of the bundle, e.g. artifacts/mnist; made when missing."""
    name: str | None = None
    """Name of the bundle in addresses: lower-case letters, digits, - and _. Default: the name of FOLDER."""
    title: str | None = None
    """What people call the pictures, e.g. "MNIST digits"."""
    licence: str | None = None
    """Licence of the pictures, e.g. "CC BY 4.0"; pass it for your own pictures."""
    data: str | None = None
    """Where the run's pictures are, of which some held-out ones go into the bundle. Default: where it was trained."""
    precision: Precision = "fp32"
    """fp32; fp16-stored: weights as float16, half the bytes, with float32 arithmetic; fp16: float16 arithmetic too, for
    a GPU. Both are refused where a picture would change by more than one grey level. int8: a quarter of the bytes and
    integer arithmetic for those graphs whose pictures keep a PSNR of at least 40 dB; the others stay fp32."""
    unfinished: bool = False
    """Export stages that were stopped early as well, but for attributes."""


@reflowed
@dataclass(frozen=True)
class GraphSettings:
    """Write one graph of a run as an .onnx file, checked against PyTorch."""

    run: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """Run folder, e.g. runs/mnist."""
    graph: Annotated[GraphName, tyro.conf.Positional]
    """Which graph."""
    target: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FILE")]
    """File to write, e.g. generator.onnx."""
    precision: Precision = "fp32"
    """fp32, fp16-stored, fp16 or int8, as for a bundle; int8 is refused where it does not suit the graph."""
    data: str | None = None
    """Where the run's pictures are, for int8 of a graph that takes pictures: held-out ones set its ranges. Default:
    where it was trained."""
    unfinished: bool = False
    """Export the stage even if it was stopped early."""


@reflowed
@dataclass(frozen=True)
class ReportSettings:
    """Write REPORT.md and its sheets from the figures that the bundles in a folder carry."""

    root: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER")] = Path("artifacts")
    """Folder of the bundles."""


@reflowed
@dataclass(frozen=True)
class ShrinkSettings:
    """Store the weights of a bundle as float16, which halves its files; needs no run folder. Arithmetic stays float32,
    and no picture may change by more than one grey level."""

    bundle: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="BUNDLE")]
    """Folder of the bundle, e.g. artifacts/mnist."""


@reflowed
@dataclass(frozen=True)
class TrainingCodesSettings:
    """Add codes and thumbnails of some training pictures to an older bundle. The demo shows them as dots of the latent
    map, and as the training pictures nearest to a generated one."""

    bundle: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="BUNDLE")]
    """Folder of the bundle, e.g. artifacts/mnist."""
    data: str
    """Where its pictures are: a data set of the Hugging Face Hub, a folder, a zip, parquet files."""
    codes_only: bool = False
    """Leave the thumbnails out, for data that may not be shown."""
    cache: Path | None = None
    """Folder for the pictures, in their final size, where they are too many for memory. Default: a temporary one,
    removed at the end."""


@reflowed
@dataclass(frozen=True)
class ClassDirectionsSettings:
    """Add directions of classes, found by linear support vector machines, to an older bundle. The demo offers them as
    sliders in Explore."""

    bundle: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="BUNDLE")]
    """Folder of the bundle, e.g. artifacts/mnist."""


@reflowed
@dataclass(frozen=True)
class AttributeDirectionsSettings:
    """Find the directions of attributes anew in a bundle that has the graph of attributes, and measure what they do."""

    bundle: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="BUNDLE")]
    """Folder of the bundle, e.g. artifacts/avatars."""


@reflowed
@dataclass(frozen=True)
class UnpackSettings:
    """Turn a bundle back into a run folder, from its files alone, to train its GAN further or to export it anew; its
    VAE too where it has no batch normalisation. The others come back for export and measurement only."""

    bundle: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="BUNDLE")]
    """Folder of the bundle, e.g. artifacts/mnist."""
    run: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """Run folder to make, e.g. runs/mnist."""


@reflowed
@dataclass(frozen=True)
class BlendSettings:
    """Write a bundle whose generator has some stages of A and others of B, or weights between the two. Where B was
    trained from A (--start-from) that draws something between the two; the command says which stages cannot be mixed,
    and why."""

    first: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="A")]
    """Bundle or run folder that gives whatever does not come from B, the mapping and the classes included."""
    second: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="B")]
    """The other bundle or run folder."""
    target: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER")]
    """Folder of the new bundle, e.g. artifacts/mixed; made when missing."""
    stages: str | None = None
    """Stages that come from B, from 1 (coarse: layout) to the last (fine: details), e.g. 4-5 or 1,3. Default: all."""
    share: float | None = None
    """How much of these stages comes from B, above 0 and at most 1; the rest comes from A. Default: all of it."""
    mapping_share: float = 0.0
    """How much of the mapping, which turns noise into styles, comes from B: 0 to 1."""
    name: str | None = None
    """Name of the bundle in addresses: lower-case letters, digits, - and _. Default: the name of FOLDER."""
    title: str | None = None
    """What people call the pictures. Default: the titles of both."""
    data: str | None = None
    """Where the pictures of A are, if A is a run: some held-out ones go into the bundle. Default: where it was
    trained."""
    precision: Precision = "fp32"
    """fp32, fp16-stored, fp16 or int8, as for a bundle."""


@reflowed
@dataclass(frozen=True)
class TritonSettings:
    """Write a model repository for NVIDIA Triton, with one model BUNDLE_GRAPH for each graph, which batches requests.
    Models of other bundles in the same folder stay."""

    bundle: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="BUNDLE")]
    """Bundle, e.g. artifacts/mnist."""
    target: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER")]
    """Folder of the repository, e.g. build/triton; made when missing."""
    device: Device = "auto"
    """Where Triton runs the graphs; auto means its GPU where it has one."""
    python_backend: bool = False
    """Run the graphs by onnxruntime in Triton's python backend, for a Triton without the onnxruntime backend."""
    threads: int = 1
    """CPU threads of one run; 0 means as many as there are cores."""
    instances: int = 1
    """Copies of each graph that work at the same time, on each GPU where there are several."""


@reflowed
@dataclass(frozen=True)
class SpaceSettings:
    """Make a complete Hugging Face Space in a folder, check it and list its files. Uploads only with --push."""

    bundles: Annotated[
        tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="BUNDLES", help_behavior_hint="(required)")
    ]
    """Folders of the bundles that it serves, e.g. artifacts/mnist, or a folder of bundles."""
    out: Path = Path("build/space")
    """Folder of the Space. An earlier Space there is replaced, but what you added stays, and is not uploaded; any other
    folder is left alone."""
    title: str | None = None
    """Title of the Space. Default: Twofold, followed by the title of the bundle if there is only one."""
    push: Annotated[str | None, tyro.conf.arg(metavar="USER/NAME")] = None
    """Upload it to this Space of the Hugging Face Hub, made when missing. Log in first, with `hf auth login`."""
    private: bool = False
    """Make the Space private."""
    dry_run: bool = False
    """With --push, only print what would be uploaded, and where."""


@reflowed
@dataclass(frozen=True)
class WebSettings:
    """Write a static page that samples and interpolates in the browser, for any web host. Uploads only with --push, to
    a static Space of the Hugging Face Hub, which is free and never sleeps."""

    # One list: of two, tyro gives the first one all folders up to the next flag, and the second none.
    folders: Annotated[
        tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="BUNDLES FOLDER", help_behavior_hint="(required)")
    ]
    """Folders of the bundles that it shows, e.g. artifacts/mnist, or a folder of bundles; and last the folder of the
    page, e.g. build/web. An earlier page there is replaced, but what you added stays, and is not uploaded; any other
    folder is left alone."""
    title: str | None = None
    """Title of the page. Default: the title of the bundle if there is only one, else Twofold."""
    favourites: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Favourites that Play saved, as a file or as one picture: the page shows them as its gallery."""
    push: Annotated[str | None, tyro.conf.arg(metavar="USER/NAME")] = None
    """Upload it to this static Space of the Hugging Face Hub, made when missing. Log in first, with `hf auth login`."""
    private: bool = False
    """Make the Space private."""
    dry_run: bool = False
    """With --push, only print what would be uploaded, and where."""

    @property
    def bundles(self) -> tuple[Path, ...]:
        """Folders of the bundles."""
        return self.folders[:-1]

    @property
    def out(self) -> Path:
        """Folder of the page."""
        return self.folders[-1]


@reflowed
@dataclass(frozen=True)
class CheckSettings:
    """Run every graph of a bundle in every runtime that is installed, in batches of 1, 2, 5 and 33. Print how far each
    is from the ONNX reference evaluator, and how fast. Runtimes that are missing are named, with how to get them."""

    bundle: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="BUNDLE")]
    """Folder of the bundle, e.g. artifacts/mnist."""
    runtimes: tuple[RuntimeName, ...] = ALL_RUNTIMES
    """Runtimes to try."""
    write: bool = False
    """Store the table in the bundle's index and model card."""


Command = (
    Annotated[BundleSettings, tyro.conf.subcommand("bundle")]
    | Annotated[GraphSettings, tyro.conf.subcommand("graph")]
    | Annotated[CheckSettings, tyro.conf.subcommand("check")]
    | Annotated[ReportSettings, tyro.conf.subcommand("report")]
    | Annotated[ShrinkSettings, tyro.conf.subcommand("shrink")]
    | Annotated[TrainingCodesSettings, tyro.conf.subcommand("training-codes")]
    | Annotated[ClassDirectionsSettings, tyro.conf.subcommand("class-directions")]
    | Annotated[AttributeDirectionsSettings, tyro.conf.subcommand("attribute-directions")]
    | Annotated[UnpackSettings, tyro.conf.subcommand("unpack")]
    | Annotated[BlendSettings, tyro.conf.subcommand("blend")]
    | Annotated[TritonSettings, tyro.conf.subcommand("triton")]
    | Annotated[SpaceSettings, tyro.conf.subcommand("space")]
    | Annotated[WebSettings, tyro.conf.subcommand("web")]
)
