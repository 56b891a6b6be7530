"""The stages of a run: from settings to networks and to training, and back from a checkpoint to trained networks.

The only place that knows which stage builds on which. A stage is named by its folder in the run.
"""

from typing import Protocol, TypeVar

from torch import nn

from bundle.errors import UserError
from bundle.shell_line import shell_line
from train.checkpoints import load_tensors, restore_modules
from train.data.dataset import DataInfo
from train.run_folder import Run, has_checkpoint
from train.settings import AttributesSettings, ClassifierSettings, GanSettings, InverseSettings, Settings, VaeSettings
from train.stages import attributes, classifier, gan, inverse, vae
from train.stages.stage import Stage

AnySettings = TypeVar("AnySettings", bound=Settings)
Networks = TypeVar("Networks", bound=nn.Module)


BUILDS_ON = {"inverter": "gan", "repair": "vae"}
"""Mask encoder -> the stage whose finished network it works for."""


class TrainedSettings(Protocol):
    """Knows what the other stages were trained with, as a `Run` does."""

    def settings(self, stage: str) -> Settings: ...


# --------------------------------------------------------------------------------------------- untrained


def build_networks(stage: str, settings: Settings, data: DataInfo, run: TrainedSettings) -> nn.Module:
    """The untrained networks of a stage. Raises ValueError for settings that are not the stage's."""
    match settings:
        case ClassifierSettings():
            return classifier.build(settings, data)
        case AttributesSettings():
            return attributes.build(settings, data)
        case GanSettings():
            return gan.build(settings, data)
        case VaeSettings():
            return vae.build(settings, data)
        case InverseSettings() if stage == "repair":
            return inverse.build_repair(settings, data, settings_of(run, "vae", VaeSettings))
        case InverseSettings() if stage == "inverter":
            styles = gan.style_shape(settings_of(run, "gan", GanSettings), data)
            return inverse.build_inverter(settings, data, styles)
    raise ValueError(f"{stage} is no stage with {type(settings).__name__}")


def settings_of(run: TrainedSettings, stage: str, kind: type[AnySettings]) -> AnySettings:
    """The settings of a stage that another one builds on."""
    found = run.settings(stage)
    if not isinstance(found, kind):
        raise ValueError(f"{stage} has {type(found).__name__}, not {kind.__name__}")
    return found


def build_stage(stage: str, settings: Settings, data: DataInfo, run: Run) -> Stage:
    """A stage ready to train. Raises UserError when what it builds on has not been trained."""
    match settings:
        case ClassifierSettings():
            if not data.classes:
                raise UserError(f"{data.source} has no classes, so there is nothing for a classifier to learn.")
            return classifier.ClassifierStage(classifier.build(settings, data), settings)
        case AttributesSettings():
            if not data.attributes:
                raise UserError(f"{run.folder} has no attributes: name them with --attributes, as in --attributes all.")
            return attributes.AttributesStage(attributes.build(settings, data), settings, data)
        case GanSettings():
            networks = gan.build(settings, data)
            trained = is_finished(run, "classifier")
            return gan.GanStage(networks, settings, data, load_classifier(run).classifier if trained else None)
        case VaeSettings():
            return vae.VaeStage(vae.build(settings, data), settings, data)
        case InverseSettings() if stage == "repair":
            return repair_stage(settings, data, run)
        case InverseSettings() if stage == "inverter":
            return inverter_stage(settings, data, run)
    raise ValueError(f"{stage} is no stage with {type(settings).__name__}")


def repair_stage(settings: InverseSettings, data: DataInfo, run: Run) -> inverse.RepairStage:
    """The stage that encodes damaged pictures for the run's decoder. Raises UserError without a finished VAE."""
    trained = run.settings("vae")
    networks = inverse.build_repair(settings, data, trained)
    require_finished(run, "vae")
    coder, target_images = load_vae(run), run.record("vae").images
    stage: inverse.RepairStage
    if trained.body == "principal":
        vae_changed = settings.resume and run.record("repair").target_images != target_images
        stage = inverse.PrincipalRepairStage(networks, settings, coder, run.sigma, vae_changed)
    else:
        stage = inverse.RepairStage(networks, settings, coder.decoder, run.sigma)
    stage.target_images = target_images
    return stage


def inverter_stage(settings: InverseSettings, data: DataInfo, run: Run) -> inverse.InverterStage:
    """The stage that encodes pictures for the run's generator. Raises UserError without a finished GAN."""
    trained = run.settings("gan")
    networks = inverse.build_inverter(settings, data, gan.style_shape(trained, data))
    require_finished(run, "gan")
    stage = inverse.InverterStage(networks, settings, load_gan(run).generator, data, trained.prior)
    stage.target_images = run.record("gan").images
    return stage


def is_finished(run: Run, stage: str) -> bool:
    """Whether a stage was trained to its end."""
    return run.has_checkpoint(stage) and run.record(stage).finished


def check_built_on(stage: str, settings: Settings) -> None:
    """Raises UserError where what a stage builds on is not finished in its run. Called before pictures are read."""
    base = BUILDS_ON.get(stage)
    if base is None:
        return
    if not has_checkpoint(settings.run, base):
        other = {"gan": "vae", "vae": "gan"}[base]
        both = isinstance(settings, InverseSettings) and settings.target == "both"
        alone = f", or leave the {stage} out with --target {other}" if both else ""
        raise UserError(f"{settings.run} has no trained {base} for the {stage}: train it with python -m train{alone}.")
    if (settings.run / "run.json").exists():  # else the run is bound to these pictures first
        require_finished(Run.open(settings.run), base)


def require_finished(run: Run, stage: str) -> None:
    """Raises UserError for a stage that was stopped early: what is built on it would not fit it later."""
    if not run.record(stage).finished:
        raise UserError(
            f"The {stage} of {run.folder} is not finished: resume it first "
            f"({shell_line(['python', '-m', 'train', stage, str(run.folder), '--resume'])})."
        )


# ----------------------------------------------------------------------------------------------- trained


def load_networks(run: Run, stage: str) -> dict[str, nn.Module]:
    """The averaged networks of a trained stage, by name, in eval mode, on the CPU.

    Raises UserError when the stage has not been trained or its files are damaged, RuntimeError when weights do not fit
    the stage's settings.
    """
    return dict(load_stage(run, stage).named_children())


def load_stage(run: Run, stage: str) -> nn.Module:
    """The networks of `load_networks` in one module, as `Stage.finish` and `Stage.preview` take them. Raises as it."""
    return with_averages(build_networks(stage, run.settings(stage), run.data, run), run, stage)


def load_classifier(run: Run) -> classifier.ClassifierNetworks:
    """The trained classifier. Raises as `load_networks`."""
    return with_averages(classifier.build(run.settings("classifier"), run.data), run, "classifier")


def load_gan(run: Run) -> gan.GanNetworks:
    """The trained GAN. Raises as `load_networks`."""
    return with_averages(gan.build(run.settings("gan"), run.data), run, "gan")


def load_vae(run: Run) -> vae.VaeNetworks:
    """The trained VAE. Raises as `load_networks`."""
    return with_averages(vae.build(run.settings("vae"), run.data), run, "vae")


def with_averages(networks: Networks, run: Run, stage: str) -> Networks:
    """Untrained networks with the averaged weights of the run's checkpoint, frozen and in eval mode."""
    tensors, _ = load_tensors(run.folder / stage / "state.safetensors")
    restore_modules("averages", networks, tensors)
    return networks.eval().requires_grad_(False)
