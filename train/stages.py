"""From settings to networks and to stages: the only place that knows which stage needs which."""

from typing import Protocol, cast

from torch import nn

from train import classifier, gan, inverse, vae
from train.config import ClassifierSettings, GanSettings, InverseSettings, Settings, VaeSettings
from train.data import DataInfo
from train.errors import UserError
from train.runs import Run
from train.stage import Stage


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
            reader = run.networks("classifier")["classifier"] if read else None
            return gan.GanStage(networks, cast(GanSettings, settings), data, reader)
        case "vae":
            return vae.VaeStage(networks, cast(VaeSettings, settings), data)
        case "repair":
            finished(run, "vae")
            coder, learned, own = run.networks("vae"), run.record("vae").images, cast(InverseSettings, settings)
            if cast(VaeSettings, run.settings("vae")).body == "principal":
                outgrown = settings.resume and run.record("repair").target_images != learned
                built = inverse.PrincipalRepairStage(networks, own, coder, run.sigma, outgrown)
            else:
                built = inverse.RepairStage(networks, own, coder["decoder"], run.sigma)
            built.target_images = learned
            return built
        case "inverter":
            finished(run, "gan")
            generator = run.networks("gan")["generator"]
            prior = cast(GanSettings, run.settings("gan")).prior
            built = inverse.InverterStage(networks, cast(InverseSettings, settings), generator, data, prior)
            built.target_images = run.record("gan").images
            return built
    raise ValueError(stage)
