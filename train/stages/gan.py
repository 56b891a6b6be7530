"""One training step of the GAN: a critic update, then a generator update; and how varied its samples are."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bundle.marks import TRAINED
from bundle.schema import Prior
from train import augment, priors
from train.data.dataset import DataInfo, Pictures, one_hot
from train.data.splits import stratified
from train.losses import ADVERSARIAL, gradient_penalty
from train.models.bases import ClassifierBase, ConditionalCritic, GeneratorBase
from train.models.convolutional import Critic, Generator
from train.models.fully_connected import DenseCritic, DenseGenerator
from train.models.layers import halving_widths, resolutions
from train.models.minibatch_stddev import MinibatchStddev
from train.models.residual import ResidualCritic, ResidualGenerator
from train.models.skip import SkipCritic, SkipGenerator
from train.schedules import cosine
from train.settings import GanSettings
from train.stages.stage import Stage

SNAPSHOT = 16  # samples of a snapshot
GAP_STEPS = 20  # steps from one adjustment of the augmentation to the next


class GanNetworks(nn.Module):
    """Generator and critic, and what the critic sees of a batch where `--minibatch-stddev` asks for it."""

    def __init__(
        self, generator: GeneratorBase, critic: ConditionalCritic, minibatch_stddev: MinibatchStddev | None = None
    ):
        super().__init__()
        self.generator = generator
        self.critic = critic
        self.minibatch_stddev = minibatch_stddev


def build(settings: GanSettings, data: DataInfo) -> GanNetworks:
    """The untrained networks for these pictures."""
    shape = (data.channels, data.sides, len(data.classes))
    generator: GeneratorBase
    critic: ConditionalCritic
    match settings.body:
        case "mlp":
            generator = DenseGenerator(*shape, settings.latent_dim, settings.width)
            critic = DenseCritic(*shape, settings.width)
        case "residual":
            channels = halving_widths(len(resolutions(data.sides)), settings.width, max(settings.width // 4, 8))
            generator = ResidualGenerator(*shape, settings.latent_dim, settings.w_dim, channels)
            critic = ResidualCritic(*shape, channels)
        case "conv":
            channels = halving_widths(len(resolutions(data.sides)), settings.width)
            generator = Generator(*shape, settings.latent_dim, settings.w_dim, channels)
            critic = Critic(*shape, channels)
        case "skip":
            channels = halving_widths(len(resolutions(data.sides)), settings.width)
            generator = SkipGenerator(*shape, settings.latent_dim, settings.w_dim, channels)
            critic = SkipCritic(*shape, channels)
    stddev = MinibatchStddev(critic.head.in_features) if settings.minibatch_stddev else None
    return GanNetworks(generator, critic, stddev)


def style_shape(settings: GanSettings, data: DataInfo) -> tuple[int, int]:
    """(L, w_dim) of a generator's styles w [N, L, w_dim]."""
    if settings.body == "mlp":
        return 1, settings.latent_dim + len(data.classes)
    return len(resolutions(data.sides)), settings.w_dim


class GanStage(Stage[GanNetworks, GanSettings]):
    """The i-th real picture is paired with the i-th generated one, both of the same class."""

    name = "gan"
    sheet_shows = TRAINED

    def __init__(
        self,
        networks: GanNetworks,
        settings: GanSettings,
        data: DataInfo,
        classifier: ClassifierBase | None = None,
    ):
        """classifier: trained on the same pictures, to measure variety in; without one it is measured in pixels."""
        super().__init__(networks, optimizers(networks, settings), settings, settings.ema_images)
        self.data, self.classifier = data, classifier
        noise = torch.Generator("cpu").manual_seed(settings.seed)
        self.preview_z = priors.draw(settings.prior, 64, settings.latent_dim, generator=noise)
        self.preview_classes = one_hot(torch.arange(64) % max(len(data.classes), 1), len(data.classes))
        self.ops = augment.policy(data)
        self.gap_driven = settings.augment is None and augment.starts_augmented(data.train_images)
        self.probability = settings.augment or 0.0
        self.apart: Pictures | None = None  # training pictures that no step sees
        self.apart_of = 0  # how many training pictures there were when these were chosen; 0: not chosen yet
        self.apart_spares_classes = True  # whether they leave each class a picture; not in runs of older versions
        self.reals: dict[str, Tensor] = {}
        self.penalties: dict[str, Tensor] = {}  # R1 and R2 of the last step that had them, as metrics

    def training_pictures(self, train: Pictures) -> Pictures:
        """All but a random tenth, 256 pictures at most, the same each time: they are set apart for the gap, where
        augmentation follows it. Where chance would leave a class none, each class gives a like share and keeps one.

        Pictures that --more-data added stand behind those that were known, and are all trained on: chosen anew, those
        set apart would be ones that the critic has long learned from."""
        if not self.gap_driven or self.settings.gap_pictures == "held-out":
            return train
        self.apart_of = self.apart_of or len(train)
        order = torch.randperm(self.apart_of, generator=torch.Generator().manual_seed(0))
        count = min(augment.MOST_APART, self.apart_of // augment.APART_ONE_IN)
        apart = torch.arange(self.apart_of) < count
        if self.apart_spares_classes and self.data.classes:
            labels, classes = train.labels.cpu()[order], len(self.data.classes)
            if len(labels[~apart].unique()) < len(labels.unique()):
                apart = stratified(labels, count, classes, least=1)
        self.apart = train[order[apart]]
        return train[torch.cat([order[~apart].sort().values, torch.arange(self.apart_of, len(train))])]

    def begin(self, train: Pictures, test: Pictures) -> None:
        """Keeps some pictures that steps see and as many that none sees, for the gap between them and the variety."""
        device, most = test.images.device, augment.MOST_APART  # many training pictures may stay in the main memory
        chosen = torch.linspace(0, len(train) - 1, min(most, len(train))).long().to(train.images.device)
        unseen = test if self.apart is None else self.apart
        self.reals = {
            "train": train.images[chosen].to(device), "train labels": train.labels[chosen.to(train.labels.device)],
            "unseen": unseen.images[:most].to(device), "unseen labels": unseen.labels[:most].to(device),
        }  # fmt: skip

    def step(self, images: Tensor, labels: Tensor, progress: float) -> dict[str, Tensor]:
        settings = self.settings
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = group["lr_multiplier"] * settings.lr * cosine(1, settings.lr_end_factor, progress)
                group["betas"] = (0.0, cosine(*settings.beta2, progress))
        if self.gap_driven and self.reals and self.steps_done % GAP_STEPS == 0:
            self.follow_gap(len(images) * self.processes * GAP_STEPS)
        rows = self.processes * len(images)
        noise = priors.draw(settings.prior, 2 * rows, settings.latent_dim, images.device)
        noise = self.own_rows(noise.view(rows, 2, -1))
        wrong_labels = self.other_classes(labels) if settings.mismatch_weight and len(self.data.classes) > 1 else labels
        parts = self.parts(images, labels, wrong_labels, noise)
        penalised = self.steps_done % settings.lazy_reg_interval == 0
        gamma = cosine(*settings.gamma, progress) * settings.lazy_reg_interval if penalised else 0.0
        metrics: dict[str, Tensor] = {}
        for own_images, own_labels, own_wrong, z in parts:
            loss, metrics = self.critic_loss(own_images, own_labels, own_wrong, z[:, 0], gamma)
            (loss / len(parts)).backward()
        self.updates.apply("critic")
        self._train_critic(False)
        for own_images, own_labels, _, z in parts:
            loss = self.generator_loss(own_images, own_labels, z[:, 1])
            (loss / len(parts)).backward()
        self.updates.apply("generator")
        self._train_critic(True)
        return metrics | {"generator": loss.detach()}

    def batch_score(self, features: Tensor, classes: Tensor | None) -> Tensor | float:
        """What the batch as a whole adds to the scores of its pictures: features [N, F], classes [N, K] -> [1, 1]."""
        stddev = self.networks.minibatch_stddev
        return stddev(features, classes) if stddev is not None else 0.0

    def score(self, signal: Tensor, classes: Tensor | None) -> Tensor:
        """signal [N, C, H, W], classes [N, K] -> scores [N, 1] of pictures in their batch."""
        features = self.networks.critic.features(signal)
        return self.networks.critic.score_features(features, classes) + self.batch_score(features, classes)

    def critic_loss(
        self, images: Tensor, labels: Tensor, wrong_labels: Tensor, z: Tensor, gamma: float
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """images [N, C, H, W] in [0, 1], labels [N] and `wrong_labels` [N], noise z [N, D] -> what the
        critic minimises, and metrics. gamma 0 skips R1 and R2, and saves their time."""
        settings, loss, critic = self.settings, ADVERSARIAL[self.settings.loss], self.networks.critic
        classes = one_hot(labels, len(self.data.classes))
        with torch.no_grad(), self.autocast(images.device):
            fake = self.networks.generator.signal(z, classes)
        # The penalties are taken of the augmented pictures, so no second derivative passes through the augmentation.
        real = self._augmented(images * 2 - 1).requires_grad_(gamma > 0)
        fake = self._augmented(fake.float()).requires_grad_(gamma > 0)
        with self.autocast(images.device):
            features = critic.features(real)
            single_scores = critic.score_features(features, classes)
            scores_real = single_scores + self.batch_score(features, classes)
            scores_fake = self.score(fake, classes)
        adversarial = total = loss.critic(scores_real.float(), scores_fake.float())
        if gamma > 0:
            r1, r2 = gradient_penalty(scores_real, real), gradient_penalty(scores_fake, fake)
            total = total + 0.5 * gamma * (r1 + r2)
            self.penalties = {"r1": r1.detach(), "r2": r2.detach()}
        if settings.mismatch_weight and len(self.data.classes) > 1:
            with self.autocast(images.device):
                mismatched = critic.score_features(features, one_hot(wrong_labels, len(self.data.classes)))
            total = total + settings.mismatch_weight * loss.critic(single_scores.float(), mismatched.float())
        return total, {"critic": adversarial.detach()} | self.penalties

    def generator_loss(self, images: Tensor, labels: Tensor, z: Tensor) -> Tensor:
        """images [N, C, H, W] in [0, 1], labels [N], noise z [N, D] -> what the generator minimises."""
        loss = ADVERSARIAL[self.settings.loss]
        classes = one_hot(labels, len(self.data.classes))
        with self.autocast(images.device):
            fake = self._augmented(self.networks.generator.signal(z, classes))
            scores_fake = self.score(fake, classes).float()
            scores_real = torch.zeros_like(scores_fake)
            if loss.paired:  # only relativistic losses need the real scores again
                with torch.no_grad():
                    scores_real = self.score(self._augmented(images * 2 - 1), classes).float()
        return loss.generator(scores_real, scores_fake)

    def variety(self, averages: GanNetworks) -> dict[str, float]:
        """{"distance": mean pairwise feature distance, "classes": evenness of the classes} of some samples, as shares
        of those of as many training pictures."""
        images, samples = self._compared(averages)
        real, fake = self._classified(images), self._classified(samples)
        shares = {"distance": mean_pairwise_distance(fake.features) / max(mean_pairwise_distance(real.features), 1e-12)}
        if real.labels is not None and fake.labels is not None:
            count = len(self.data.classes)
            shares["classes"] = class_evenness(fake.labels, count) / class_evenness(real.labels, count)
        return shares

    def roughness(self, averages: GanNetworks) -> float:
        images, samples = self._compared(averages)
        return neighbour_difference(samples) / max(neighbour_difference(images), 1e-6)

    def _compared(self, averages: GanNetworks) -> tuple[Tensor, Tensor]:
        """The training pictures that `begin` kept, and as many samples of the same classes, images in [0, 1]."""
        images, labels = self.reals["train"], self.reals["train labels"]
        z = priors.draw(self.settings.prior, len(images), self.settings.latent_dim,
                        generator=torch.Generator().manual_seed(1)).to(images.device)  # fmt: skip
        return images.float() / 255, averages.generator(z, one_hot(labels, len(self.data.classes)))

    def state(self) -> dict[str, float]:
        return {
            "probability": self.probability,
            "apart_of": self.apart_of,
            "apart_spares_classes": self.apart_spares_classes,
        }

    def restore(self, state: dict[str, float]) -> None:
        self.probability = state["probability"]
        self.apart_of = int(state.get("apart_of", 0))  # older versions did not store it
        self.apart_spares_classes = bool(state.get("apart_spares_classes", False))  # nor this
        if self.settings.augment is None and self.probability > 0:  # the set may have become large by --more-data
            self.gap_driven = True

    def _classified(self, images: Tensor) -> "Classified":
        if self.classifier is None:
            return Classified(F.adaptive_avg_pool2d(images, 8).flatten(1), None)
        logits, features = self.classifier(images)
        return Classified(features, logits.argmax(dim=1))

    def _train_critic(self, on: bool) -> None:
        """Whether gradients reach the weights that the critic's optimizer trains."""
        self.networks.critic.requires_grad_(on)
        if self.networks.minibatch_stddev is not None:
            self.networks.minibatch_stddev.requires_grad_(on)

    @torch.no_grad()
    def follow_gap(self, images: int) -> None:
        """Adjusts the augmentation's probability: up while the critic prefers the pictures that it learns from."""
        critic, count = self.networks.critic, len(self.data.classes)
        labels = self.reals["train labels"]
        # The same noise in every process, so that all of them follow one gap. Scores of single pictures, as batches of
        # other classes have another standard deviation.
        z = priors.draw(self.settings.prior, len(labels), self.settings.latent_dim,
                        generator=torch.Generator().manual_seed(self.steps_done)).to(labels.device)  # fmt: skip
        with self.autocast(labels.device):
            fake = critic.score(self.networks.generator.signal(z, one_hot(labels, count)), one_hot(labels, count))
            train, unseen = [
                critic.score(self.reals[split].float() / 127.5 - 1, one_hot(self.reals[f"{split} labels"], count))
                for split in ("train", "unseen")
            ]
        gap = float(augment.unseen_gap(train.float(), unseen.float(), fake.float()))
        self.probability = augment.next_probability(self.probability, gap, images)

    def _augmented(self, signals: Tensor) -> Tensor:
        return augment.augment(signals, self.ops, self.probability) if self.probability else signals

    def other_classes(self, labels: Tensor) -> Tensor:
        """labels int64 [N] -> a wrong label for each, all equally likely, [N]."""
        count, rows = len(self.data.classes), self.processes * len(labels)
        return (labels + self.own_rows(torch.randint(1, count, (rows,), device=labels.device))) % count

    def preview(self, averages: GanNetworks, pictures: Tensor) -> Tensor:
        return self.samples(averages, len(self.preview_z))

    def snapshot(self, averages: GanNetworks, pictures: Tensor) -> Tensor:
        """The first samples of the sheet."""
        return self.samples(averages, SNAPSHOT)

    def samples(self, averages: GanNetworks, count: int) -> Tensor:
        """The first `count` of the samples that are drawn again and again."""
        device = next(averages.parameters()).device
        classes = None if self.preview_classes is None else self.preview_classes[:count].to(device)
        return averages.generator(self.preview_z[:count].to(device), classes)

    @torch.no_grad()
    def finish(self, averages: GanNetworks, train: Pictures, test: Pictures) -> dict[str, Tensor]:
        """w_mean [K, w_dim]: the mean style of each class, the centre of truncation ([1, w_dim] without classes)."""
        settings, count = self.settings, len(self.data.classes)
        return {"w_mean": mean_styles(averages.generator.mapping, settings.prior, settings.latent_dim, count)}


@torch.no_grad()
def mean_styles(mapping: nn.Module, prior: Prior, latent_dim: int, classes: int) -> Tensor:
    """The mean style [K, w_dim] of each class by this mapping, on the CPU; [1, w_dim] without classes."""
    device = next((one.device for one in mapping.parameters()), torch.device("cpu"))
    z = priors.draw(prior, 10_000, latent_dim, generator=torch.Generator().manual_seed(0)).to(device)
    means = []
    for label in range(max(classes, 1)):
        rows = one_hot(torch.full((len(z),), label, device=device), classes)
        means.append(mapping(z, rows)[:, 0].mean(dim=0))
    return torch.stack(means).cpu()


def optimizers(networks: GanNetworks, settings: GanSettings) -> dict[str, torch.optim.Optimizer]:
    """Adam for the critic and for the generator, whose mapping of z learns more slowly."""
    # Moments are stored by the order of the parameters: what may be switched off comes last.
    critic = [*networks.critic.parameters()]
    if networks.minibatch_stddev is not None:
        critic += networks.minibatch_stddev.parameters()
    slow = {name for name, _ in networks.generator.named_parameters() if name.startswith("mapping.body")}
    parameters = dict(networks.generator.named_parameters())
    groups = {
        "critic": [{"params": critic, "lr_multiplier": 1.0}],
        "generator": [
            {"params": [p for name, p in parameters.items() if name not in slow], "lr_multiplier": 1.0},
            {
                "params": [p for name, p in parameters.items() if name in slow],
                "lr_multiplier": settings.mapping_lr_multiplier,
            },
        ],
    }
    return {
        name: torch.optim.Adam(
            [group for group in of_one if group["params"]], lr=settings.lr, betas=(0.0, settings.beta2[0]), fused=True
        )
        for name, of_one in groups.items()
    }


# ---------------------------------------------------------------------------------------------- variety


@dataclass(frozen=True)
class Classified:
    """What a classifier makes of pictures: features [N, F], labels int64 [N] (None without a classifier)."""

    features: Tensor
    labels: Tensor | None


def mean_pairwise_distance(features: Tensor) -> float:
    """Mean Euclidean distance of all pairs of rows of features [N, F]: nearly 0 when a generator has collapsed.

    Quadratic in N: meant for some 256 rows, to be compared with the same figure of real pictures.
    """
    if len(features) < 2:
        return 0.0
    return float(torch.pdist(features.detach().float()).mean())


def neighbour_difference(images: Tensor) -> float:
    """Mean absolute difference of pixels side by side and one above the other, of images [N, C, H, W] in [0, 1]."""
    return float(images.diff(dim=-1).abs().mean() + images.diff(dim=-2).abs().mean()) / 2


def class_evenness(labels: Tensor, classes: int) -> float:
    """exp(entropy) of the labels int64 [N], over the number of classes: 1 when all are equally frequent, K / classes
    when K of them are, 1 / classes when there is only one."""
    counts = torch.bincount(labels.detach().long().cpu(), minlength=classes).double()
    return float(torch.special.entr(counts / counts.sum()).sum().exp() / classes)
