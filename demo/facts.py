"""What the page knows about the bundles, as plain JSON: titles, classes, figures, files, processor."""

from collections.abc import Mapping, Sequence
from typing import Any

from bundle import on_device, snapshots
from bundle.figures import headlines
from bundle.marks import xmp
from bundle.read import INDEX, Unavailable
from bundle.schema import GRAPHS, File
from demo.routes import device
from demo.routes.endpoints import described
from demo.serving.served_bundle import ServedBundle
from demo.tabs.morph import video
from demo.tabs.morph.morph_export import FORMATS

PROCESSORS = {
    "CPUExecutionProvider": "CPU",
    "CUDAExecutionProvider": "CUDA",
    "OpenVINOExecutionProvider": "OpenVINO",
}
DESCRIPTIONS = {
    "generator": "GAN: noise to picture, in one graph",
    "mapping": "GAN: noise to style",
    "synthesis": "GAN: style to picture",
    "critic": "GAN: how real a picture looks",
    "inverter": "GAN: picture and mask to style",
    "encoder": "VAE: picture to code",
    "repair": "VAE: picture and mask to code",
    "decoder": "VAE: code to picture",
    "classifier": "Names what it sees",
    "attributes": "Reads the attributes of a picture",
    "latents": "Means of the style and the mixture over codes",
    "examples": "Held-out pictures",
    "training": "Some training pictures: codes and thumbnails",
    "sheet": "Sample sheet",
    "gan_snapshots": "GAN: the same latents as the training went on",
    "vae_snapshots": "VAE: the same held-out pictures as the training went on",
}
RECIPE = """\
python -m train all runs/mine --data path/to/pictures
python -m export bundle runs/mine artifacts/mine
python demo/app.py"""
# The command that blends two bundles, which the page fills in.
BLEND = "python -m export blend artifacts/{first} artifacts/{second} artifacts/{first}-{second} --stages {stages}"


def facts(bundles: Mapping[str, ServedBundle], unavailable: Sequence[Unavailable]) -> dict[str, Any]:
    """Facts of all bundles, of those that cannot be served, and how to make one."""
    return {
        "bundles": [bundle_facts(served) for served in bundles.values()],
        "unavailable": [{"name": one.name, "reason": one.reason} for one in unavailable],
        "recipe": RECIPE,
        "blend": BLEND,
        "device": device.page_facts(),
        "endpoints": described(),
        "mark": xmp.page_facts(),
        # What Morph exports, and why a format cannot be written here; png-strip is for programs.
        "exports": {name: video.missing() if name == "mp4" else "" for name in FORMATS if name != "png-strip"},
    }


def bundle_facts(served: ServedBundle) -> dict[str, Any]:
    """Facts of one bundle; addresses are relative to the page."""
    info, engine = served.info, served.engine
    address = f"bundles/{info.name}"
    version = engine.bundle.version
    return {
        **on_device.page_facts(engine.bundle),
        "repairs": "vae" in served.models and engine.has("repair"),
        "inverts": "gan" in served.models and engine.has("inverter"),
        "rebuilds": rebuilds(served),
        "examples": len(engine.bundle.examples),
        "sheet": {"url": f"{address}/{info.files['sheet'].file}?v={version}", "count": engine.bundle.tiles},
        "files": address,
        "processor": PROCESSORS.get(engine.active, engine.active),
        "device": device.bundle_facts(engine.bundle, address),
        "provider": engine.active,
        "reason": engine.reason,
        "quality": info.quality.model_dump(mode="json") | {"first": [f.name for f in headlines(info.quality)]}
        if info.quality
        else None,
        "training": [
            {
                "name": name,
                **stage.model_dump(mode="json", exclude={"curve", "settings", "snapshots"}),
                "curve": stage.curve is not None,
            }
            for name, stage in info.training.items()
        ],  # the curves themselves are read from bundle.json where they are drawn
        "curves": f"{address}/{INDEX}",
        "snapshots": snapshots.page_facts(info, f"{address}/{{file}}?v={version}"),
        "latent_facts": _latent_facts(served),
        "generator": _generator(served),
        "downloads": _downloads(served, address),
    }


def _latent_facts(served: ServedBundle) -> dict[str, Any]:
    """What code outside needs to know to make a latent from a seed."""
    gan, vae = served.info.gan, served.info.vae
    known: dict[str, Any] = {}
    if gan:
        adapter = served.info.graphs["generator"].adapter
        known["gan"] = {
            "latent_dim": gan.latent_dim,
            "prior": gan.prior,
            "styled": served.info.has_styles,
            "adapter": adapter.model_dump(mode="json") if adapter else None,
        }
    return known | ({"vae": {"latent_dim": vae.latent_dim}} if vae else {})


def _generator(served: ServedBundle) -> dict[str, Any] | None:
    """What must be the same of two generators for their weights to be mixed (export/weight_mixing.py); None where the
    bundle does not say how its own is built."""
    told = served.info.training.get("gan")
    if not served.info.has_styles or told is None or not told.settings:
        return None
    return {name: told.settings.get(name) for name in ("body", "width", "w_dim")}


def rebuilds(served: ServedBundle) -> bool:
    """Whether the bundle has anything that takes a picture."""
    return "vae" in served.models or served.engine.has("inverter") or served.can_classify


def _downloads(served: ServedBundle, address: str) -> list[dict[str, Any]]:
    info = served.info
    graphs = [(name, info.graphs[name]) for name in GRAPHS if name in info.graphs]
    rows: list[dict[str, Any]] = [
        {"file": graph.file, "about": DESCRIPTIONS[name], "parameters": graph.parameters} | _size_and_sum(graph)
        for name, graph in graphs
    ]
    rows += [
        {"file": file.file, "about": DESCRIPTIONS[name], "parameters": None} | _size_and_sum(file)
        for name, file in info.files.items()
    ]
    index = served.engine.bundle.index_file  # as it was read: the folder may be gone by now
    rows.append({"file": INDEX, "about": "The index of the bundle", "parameters": None} | _size_and_sum(index))
    return [row | {"url": f"{address}/{row['file']}"} for row in rows]


def _size_and_sum(file: File) -> dict[str, Any]:
    return {"bytes": file.bytes, "sha256": file.sha256}
