"""From settings to networks and to stages: the only place that knows which stage needs which."""

from typing import Protocol, cast

from torch import nn

from bundle.errors import UserError
from train.data.dataset import DataInfo
from train.run_folder import Run, load_tensors, restore_modules
from train.settings import ClassifierSettings, GanSettings, InverseSettings, Settings, VaeSettings
from train.stages import classifier, gan, inverse, vae
from train.stages.stage import Stage


class Settled(Protocol):
    """Who knows what the other stages were trained with: a run, above all."""

    def settings(self, stage: str) -> Settings: ...


def build_networks(stage: str, settings: Settings, data: DataInfo, run: Settled) -> nn.ModuleDict:
    """The untrained networks of a stage (a folder name of the run)."""
    match stage:
        case "classifier":
            return classifier.build(cast(ClassifierSettings, settings), data)
        case "gan":
            return gan.build(cast(GanSettings, settings), data)
        case "vae":
            return vae.build(cast(VaeSettings, settings), data)
        case "repair":
            return inverse.build_repair(cast(InverseSettings, settings), data, cast(VaeSettings, run.settings("vae")))
        case "inverter":
            styles = gan.style_shape(cast(GanSettings, run.settings("gan")), data)
            return inverse.build_inverter(cast(InverseSettings, settings), data, styles)
    raise ValueError(stage)


def load_networks(run: Run, stage: str) -> dict[str, nn.Module]:
    """The averaged networks of a trained stage, by name, in eval mode, on the CPU.

    Raises UserError when the stage has not been trained or its files are damaged, RuntimeError when weights do not fit
    the stage's settings.
    """
    networks = build_networks(stage, run.settings(stage), run.data, run)
    tensors, _ = load_tensors(run.folder / stage / "state.safetensors")
    restore_modules("averages", networks, tensors)
    return dict(networks.eval().requires_grad_(False).items())


def finished(run: Run, stage: str) -> None:
    """Raises UserError for a stage that was stopped early: what is built on it would fit nothing later."""
    if not run.record(stage).finished:
        raise UserError(
            f"The {stage} of {run.folder} is not finished: resume it first (python -m train {stage} --resume)."
        )


def build_stage(stage: str, settings: Settings, data: DataInfo, run: Run) -> Stage:
    """A stage ready to train. Raises UserError when what it builds on has not been trained."""
    if stage == "classifier" and not data.classes:
        raise UserError(f"{data.source} has no classes, so there is nothing for a classifier to learn.")
    networks = build_networks(stage, settings, data, run)
    match stage:
        case "classifier":
            return classifier.ClassifierStage(networks, cast(ClassifierSettings, settings), data)
        case "gan":
            read = (run.folder / "classifier" / "record.json").exists() and run.record("classifier").finished
            reader = load_networks(run, "classifier")["classifier"] if read else None
            return gan.GanStage(networks, cast(GanSettings, settings), data, reader)
        case "vae":
            return vae.VaeStage(networks, cast(VaeSettings, settings), data)
        case "repair":
            finished(run, "vae")
            coder, learned, own = load_networks(run, "vae"), run.record("vae").images, cast(InverseSettings, settings)
            if cast(VaeSettings, run.settings("vae")).body == "principal":
                outgrown = settings.resume and run.record("repair").target_images != learned
                built = inverse.PrincipalRepairStage(networks, own, coder, run.sigma, outgrown)
            else:
                built = inverse.RepairStage(networks, own, coder["decoder"], run.sigma)
            built.target_images = learned
            return built
        case "inverter":
            finished(run, "gan")
            generator = load_networks(run, "gan")["generator"]
            prior = cast(GanSettings, run.settings("gan")).prior
            built = inverse.InverterStage(networks, cast(InverseSettings, settings), generator, data, prior)
            built.target_images = run.record("gan").images
            return built
    raise ValueError(stage)
