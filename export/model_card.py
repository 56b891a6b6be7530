"""The model card of a bundle: Markdown with the Hugging Face Hub's front matter, from facts only."""

import json
import re
from collections.abc import Mapping, Sequence

from bundle.latents import seed_class
from bundle.marks import TRAINED, Mark, Seed, formats, plain_state, xmp
from bundle.model_index import hosted, with_model_index
from bundle.quality_section import SECTION, cell, quality_section
from bundle.read import fingerprint
from bundle.schema import BundleIndex, Graph, RuntimeComparison, Training
from export import attribute_section, parity, precision, runtime_tables
from export.markdown import table

# As data sets state their licence -> the Hub's identifier. MIT is not among them: it is also an institute, and a word
# of other languages.
HUB_LICENCES = {
    "cc by-nc-sa 4.0": "cc-by-nc-sa-4.0",
    "cc by-nc-nd 4.0": "cc-by-nc-nd-4.0",
    "cc by-nd 4.0": "cc-by-nd-4.0",
    "cc by-sa 4.0": "cc-by-sa-4.0",
    "cc by-sa 3.0": "cc-by-sa-3.0",
    "cc by-nc 4.0": "cc-by-nc-4.0",
    "cc by 4.0": "cc-by-4.0",
    "cc0": "cc0-1.0",
    "apache 2.0": "apache-2.0",
    "ofl 1.1": "ofl-1.1",
}
MIT = re.compile(
    r"^\s*mit\s*$|\bMIT[\s-](?i:licen[cs]ed?)\b|(?:^|[,;:(/]|\b(?:and|or|under))\s*MIT\s*(?=$|[,;.)/]|(?:and|or)\b)"
)
HUB_IDENTIFIERS = frozenset({*HUB_LICENCES.values(), "mit"})  # of licences that `hub_licence` knows
NOT_STATED = re.compile(r"not stated|unknown|no licen[cs]e stated", re.IGNORECASE)  # a clause

SNIPPET_SEED = 7
# The sentence of `about_largest_error`, in cards of older versions too.
LARGEST_ERROR = re.compile(r"The last column is the largest difference from\nPyTorch over .*\|value\|\)\)[^.\n]*\.")
PRECISION_WORDS = {
    "fp32": "float32",
    "fp16-stored": "float32 arithmetic on weights stored as float16",
    "fp16": "float16 arithmetic behind float32 inputs and outputs",
    "int8": "int8 arithmetic behind float32 inputs and outputs",
}


def hub_licence(text: str) -> str:
    """The Hub's identifier of the one licence that a text names; "unknown" where it says that none is stated, "other"
    for several and for anything else."""
    plain = re.sub(r"[\s-]+", " ", text.lower())
    found = [hub for name, hub in HUB_LICENCES.items() if re.search(rf"\b{re.escape(name.replace('-', ' '))}\b", plain)]
    found += ["mit"] if MIT.search(text) else []
    clauses = [clause for part in re.split("[,;]", text) if (clause := part.strip(" ."))]
    unstated = not clauses or any(map(NOT_STATED.fullmatch, clauses))
    if len(found) == 1 and not unstated:
        return found[0]
    return "unknown" if unstated and not found else "other"


def card(info: BundleIndex, errors: Mapping[str, float], unfinished: Sequence[str] = (), blend: str = "") -> str:
    """The whole card. `errors`: the largest error of each graph against PyTorch; `unfinished`: stages that were stopped
    early; `blend`: the section of a bundle whose generator is a blend."""
    sections = [
        front_matter(info),
        introduction(info),
        *([blend] if blend else []),
        "## Use\n\n```python\n" + snippet(info) + "```",
        data_section(info),
        training_section(info, unfinished),
        *([attribute_section.section(info.attributes)] if info.attributes else []),
        graph_section(info, errors),
        *([runtime_tables.section(info.runtime_comparison)] if info.runtime_comparison else []),
        quality_section(info.quality),
        limits_section(info, unfinished),
    ]
    return "\n\n".join(sections) + "\n"


def with_graphs(text: str, before: BundleIndex, after: BundleIndex) -> str:
    """A card that tells bytes and precision of the graphs of `before`, for those of `after`, which are the same
    networks stored anew; without the errors of files that are gone, and without a comparison of runtimes where `after`
    has none. What people have written themselves stays."""
    for name, graph in before.graphs.items():
        now = after.graphs[name]
        if now.sha256 != graph.sha256:
            row = rf"^(\| `{re.escape(graph.file)}` \|.*\| ){graph.bytes:,} \|[^|\n]*\|"
            text = re.sub(row, rf"\g<1>{now.bytes:,} | |", text, flags=re.MULTILINE)
    text = text.replace(opset_and_precisions(before), opset_and_precisions(after))
    text = LARGEST_ERROR.sub(lambda _: about_largest_error(after, "; empty where a file was stored anew"), text)
    found = runtime_tables.SECTION.around(text)
    if found and after.runtime_comparison is None:
        text = found[0] + found[1].lstrip("\n")
    return text


def with_runtime_comparison(text: str, found: RuntimeComparison) -> str:
    """A card with its section of runtimes replaced, or added before the figures, or at the end; the rest stays."""
    section = runtime_tables.section(found)
    if around := runtime_tables.SECTION.around(text):
        return around[0] + section + around[1]
    head, mark, rest = text.partition(SECTION.begin)
    return head.rstrip() + "\n\n" + section + "\n" + (f"\n{mark}{rest}" if mark else "")


def model_names(info: BundleIndex) -> str:
    """ "GAN", "VAE" or "GAN and a VAE"."""
    return " and a ".join(name.upper() for name in info.models)


def front_matter(info: BundleIndex) -> str:
    """The block that the Hub reads: licence, data set, figures."""
    from huggingface_hub import ModelCardData  # slow to import, and only a new card needs it

    source, licence = hosted(info.dataset.source), hub_licence(info.dataset.licence)
    facts = ModelCardData(
        license=licence,
        license_name=licence_name(info.dataset.licence) if licence == "other" else None,
        library_name="onnx",
        pipeline_tag="unconditional-image-generation",
        tags=["onnx", "image-generation", *info.models, "twofold"],
        datasets=[source] if source else None,
    )
    return with_model_index(f"---\n{facts.to_yaml()}\n---\n", info).rstrip("\n")


def licence_name(text: str) -> str:
    """What the Hub shows where the licence is "other": the text as a word of its kind."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60] or "other"


def size(info: BundleIndex) -> str:
    """The width and height of the pictures, e.g. "96 x 64"."""
    return f"{info.image.width} x {info.image.height}"


def picture_kind(info: BundleIndex) -> str:
    """E.g. "32 x 32 grey pictures"."""
    return f"{size(info)} {'grey' if info.image.channels == 1 else 'RGB'} pictures"


def new_card(info: BundleIndex) -> str:
    """The card of a bundle that has lost its own, or never had one: the whole of it where Twofold trained the bundle,
    the title alone where it was adopted."""
    return card(info, {}) if info.training else f"# {info.title}\n"


def introduction(info: BundleIndex) -> str:
    """The title, what the bundle is, and the sample sheet."""
    model, classes = ("generator" if info.gan else "decoder"), len(info.dataset.classes)
    by = f", class = seed mod {classes}" if classes else ""
    stored_as = opset_and_precisions(info)
    made = "trained from scratch" if from_scratch(info) else "made"
    return f"""# {info.title}

A {model_names(info)} of {picture_kind(info)}, {made} with Twofold and stored as ONNX graphs:
they run wherever onnxruntime runs, on a processor, a GPU or in a browser. {stored_as}, dynamic batch, no custom
operators.

![64 samples, seeds 0 to 63](sheet.png)

*What the {model} draws for the seeds 0 to 63, row by row{by}; nothing was picked out.*"""


def from_scratch(info: BundleIndex) -> bool:
    """Whether no stage began with the weights of other networks, by its commands."""
    given = [stage.command for stage in info.training.values()]
    given += [session.command for stage in info.training.values() for session in stage.sessions]
    return not any("--start-from" in command or " -m export blend " in command for command in given)


def opset_and_precisions(info: BundleIndex) -> str:
    """E.g. "Opset 18, float32"; where there are several precisions, with the graphs of each."""
    graphs: dict[str, list[str]] = {}
    for name, graph in info.graphs.items():
        graphs.setdefault(graph.precision, []).append(name)
    words = [
        PRECISION_WORDS.get(kind, kind) + (f" ({', '.join(names)})" if len(graphs) > 1 else "")
        for kind, names in graphs.items()
    ]
    return f"Opset {next(iter(info.graphs.values())).opset}, {', '.join(words)}"


def snippet(info: BundleIndex) -> str:
    """Python that draws one picture; run in the bundle's folder. The class is the seed's own, as on the sheet."""
    model = info.gan or info.vae
    assert model  # every bundle has one
    classes, dim = len(info.dataset.classes), model.latent_dim
    prior = info.gan.prior if info.gan else "normal"
    extra = {"normal": "", "uniform": "import math\n", "truncated": "import math\nfrom statistics import NormalDist\n"}
    lines = extra[prior].split("\n") if extra[prior] else []
    lines += ["import numpy as np", "import onnxruntime as ort", "from PIL import Image"]
    lines += ["from PIL.PngImagePlugin import PngInfo", "", f"seed = {SNIPPET_SEED}"]
    feed = {"z": "z"}
    if info.gan:
        graph = "generator"
        lines.append(f"z = np.random.Generator(np.random.PCG64(seed)).standard_normal((1, {dim})).astype(np.float32)")
        if prior != "normal":
            lines.append("z = np.vectorize(math.erf)(z.astype(float) / 2**0.5)  # from N(0, 1) to U(-1, 1)")
        if prior == "truncated":
            lines.append("share = 0.5 + 0.5 * math.erf(2 / 2**0.5) * z")
            lines.append("z = np.vectorize(NormalDist().inv_cdf)(share)  # N(0, 1) cut off at -2 and 2")
        if prior != "normal":
            lines.append("z = z.astype(np.float32)")
        if classes:
            feed["classes"] = "classes"
            own = seed_class(SNIPPET_SEED, classes)
            shown = json.dumps(info.dataset.classes[own], ensure_ascii=False)
            lines.append(f"classes = np.eye({classes}, dtype=np.float32)[[{own}]]  # {shown}; rows sum to 1")
    else:
        graph = "decoder"
        lines += [
            'prior, rng = np.load("latents.npz"), np.random.default_rng(seed)  # a mixture of Gaussians',
            'weights = prior["mixture_weights"].astype(float)',
            "part = rng.choice(len(weights), p=weights / weights.sum())",
            f'noise = prior["mixture_cholesky"][part] @ rng.standard_normal({dim})',
            'z = (prior["mixture_means"][part] + noise)[None].astype(np.float32)',
        ]
    inputs = ", ".join(f'"{name}": {value}' for name, value in feed.items())
    pixels = "image[0, 0]" if info.image.channels == 1 else "image[0].transpose(1, 2, 0)"
    lines += [
        f'session = ort.InferenceSession("{graph}.onnx", providers=["CPUExecutionProvider"])',
        f'(image,) = session.run(["image"], {{{inputs}}})  # [N, C, H, W] in [0, 1]',
        "mark = PngInfo()  # says that a model drew the picture",
        f'mark.add_itxt("{formats.PNG_XMP}", (',
        *(f"    {json.dumps(line, ensure_ascii=False)}" for line in snippet_mark(info).splitlines(keepends=True)),
        "))",
        f'Image.fromarray(np.rint({pixels} * 255).astype(np.uint8)).save("picture.png", pnginfo=mark)',
    ]
    return "\n".join(lines) + "\n"


def snippet_mark(info: BundleIndex) -> str:
    """The XMP of the picture that `snippet` draws. It leaves out the state of a VAE's, whose seeds are not those of the
    bundle."""
    own = seed_class(SNIPPET_SEED, len(info.dataset.classes)) if info.dataset.classes else None
    state = plain_state(Seed(m="gan", seed=SNIPPET_SEED, c=own)) if info.gan else None
    return xmp.core(Mark(source=TRAINED, bundle=info.name, sha256=fingerprint(info), state=state))


def data_section(info: BundleIndex) -> str:
    """The pictures that the models learned from."""
    data = info.dataset
    classes = ", ".join(data.classes[:20]) + (", …" if len(data.classes) > 20 else "")
    facts = [
        ("Source", cell(data.source)),
        ("Licence", cell(data.licence)),
        ("Pictures", f"{data.train_images:,} for training, {data.test_images:,} held out"),
        ("Classes", cell(classes) or "none: the models are unconditional"),
    ]
    return f"""## Data

{table(("", ""), "ll", facts)}

`examples.npz` holds some of the held-out pictures. The licence of the pictures also bears on what was learned from
them."""


def training_section(info: BundleIndex, unfinished: Sequence[str]) -> str:
    """How each stage was trained, and the commands that repeat it."""
    commands = "\n".join(dict.fromkeys(line for stage in info.training.values() for line in command_lines(stage)))
    return (
        f"## Training\n\n{stages_table(info, unfinished)}\n\nThe graphs hold moving averages of the weights. `--data` "
        f"names a data set of the Hub or a folder of pictures.\n\n```\n{commands}\n```"
    )


def command_lines(stage: Training) -> list[str]:
    """The commands that trained a stage, with the time, the pictures and the version of each where they are known."""
    return [
        f"{one.command}  # {duration(one.seconds)}, {one.images:,} pictures"
        + (f", Twofold {one.version}" if one.version else "")
        for one in stage.sessions
    ] or [stage.command]


def stages_table(info: BundleIndex, unfinished: Sequence[str] = ()) -> str:
    """A line for each stage of the training; `unfinished`: those that were stopped early."""
    rows = [
        (
            name + (" (not finished)" if name in unfinished else ""),
            f"{stage.images:,}",
            duration(stage.seconds),
            cell(stage.hardware),
        )
        for name, stage in info.training.items()
    ]
    return table(("stage", "pictures seen", "time", "hardware"), "lrrl", rows)


def duration(seconds: float) -> str:
    """E.g. "95 s" or "25 min"."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def graph_section(info: BundleIndex, errors: Mapping[str, float]) -> str:
    """A line for each graph; `errors`: its largest error against PyTorch, where it is known."""
    rows = [
        (
            f"`{graph.file}`",
            signature(graph),
            f"{graph.parameters:,}",
            f"{graph.bytes:,}",
            f"{errors[name]:.0e}" if name in errors else "",
        )
        for name, graph in info.graphs.items()
    ]
    return f"""## Graphs

{table(("graph", "inputs → outputs", "parameters", "bytes", "largest error"), "llrrr", rows)}

Images are float32 [N, C, H, W] in [0, 1], masks 1 = known and 0 = to be filled in, classes weights that sum to 1.
No graph draws random numbers: the same input gives the same picture. {about_largest_error(info)}
`bundle.json` lists every file with its SHA-256; each graph carries these facts in its metadata too."""


def about_largest_error(info: BundleIndex, addition: str = "") -> str:
    """What the column of errors holds: converted graphs are compared on other rows than float32 ones."""
    exact = [graph.precision == "fp32" for graph in info.graphs.values()]
    batches = f"batches of {', '.join(map(str, parity.BATCHES[:-1]))} and {parity.BATCHES[-1]}"
    converted = f"{len(precision.COMPARED)} rows at once"
    if all(exact):
        over = batches
    elif any(exact):
        over = f"{batches}, of graphs that are not float32 over {converted}"
    else:
        over = converted
    units = "images and log-variances: absolute; the rest: relative to max(1, |value|)"
    return f"The last column is the largest difference from\nPyTorch over {over} ({units}){addition}."


def signature(graph: Graph) -> str:
    """E.g. "`z` [N, 64] → `image` [N, 1, 32, 32]"."""
    sides = [
        ", ".join(f"`{t.name}` [{', '.join(['N', *map(str, t.shape[1:])])}]" for t in tensors)
        for tensors in (graph.inputs, graph.outputs)
    ]
    return " → ".join(sides)


def limits_section(info: BundleIndex, unfinished: Sequence[str]) -> str:
    """What these models cannot do, and what they are not for."""
    drawn = f"one of {len(info.dataset.classes)} classes" if info.dataset.classes else "pictures of the one kind it saw"
    items = [
        f"It knows nothing but its {info.dataset.train_images:,} training pictures: {drawn}, {size(info)} "
        "pixels, no text prompts; what the data leaves out or gets wrong, so does it.",
        "It was made to be looked at and learned from, not for decisions about anything or anyone.",
    ]
    if info.gan:
        items.append("The GAN's weakness is variety: some samples are malformed, and rare kinds are drawn too rarely.")
    if "inverter" in info.graphs:
        items.append("Inversion gives a look-alike, not the picture; unusual pictures come back more usual.")
    if info.vae:
        items.append(
            "The VAE's weakness is sharpness: reconstructions and samples are smoother than real pictures. Samples "
            "from N(0, I) instead of the mixture in `latents.npz` are far worse: its codes do not fill that Gaussian."
        )
    if "repair" in info.graphs:
        items.append("Repair gives a plausible filling, not the true one: never take it for evidence.")
    if "classifier" in info.graphs:
        items.append("The classifier names one of its classes for any picture at all, noise included.")
    if unfinished:
        items.append(f"Training was stopped early: {', '.join(unfinished)}.")
    return "## Limits\n\n" + "\n".join(f"- {item}" for item in items)
