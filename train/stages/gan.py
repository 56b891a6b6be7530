"""One training step of the GAN: a critic update, then a generator update."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from train import augment, priors
from train.data.dataset import DataInfo, Pictures, one_hot
from train.losses import ADVERSARIAL, gradient_penalty
from train.models.convolutional import Critic, Generator, resolutions
from train.models.fully_connected import DenseCritic, DenseGenerator
from train.models.minibatch_stddev import MinibatchDeviation
from train.models.residual import ResidualCritic, ResidualGenerator
from train.schedules import cosine
from train.settings import GanSettings, widths
from train.stages.stage import Stage
from train.stages.variety import class_entropy, mean_pairwise_distance

GAP_STEPS = 20  # the augmentation follows the held-out gap every so many steps


class GanStage(Stage):
    """The i-th real picture is paired with the i-th generated one, both of the same class."""

    name = "gan"

    def __init__(self, networks: nn.ModuleDict, settings: GanSettings, data: DataInfo, reader: nn.Module | None = None):
        """`reader`: a trained classifier of the same pictures, for the alarm; without one it compares pixels."""
        generator = networks["generator"]
        # The critic, and what it knows of a batch: all that the critic's optimizer trains.
        self.judges = nn.ModuleList(networks[name] for name in ("critic", "deviation") if name in networks)
        slow = {id(p) for name, p in generator.named_parameters() if name.startswith("mapping.body")}
        groups = {
            "critic": [{"params": list(self.judges.parameters()), "pace": 1.0}],
            "generator": [
                {"params": [p for p in generator.parameters() if id(p) not in slow], "pace": 1.0},
                {"params": [p for p in generator.parameters() if id(p) in slow], "pace": settings.mapping_pace},
            ],
        }
        optimizers = {
            name: torch.optim.Adam(
                [g for g in parts if g["params"]], lr=settings.lr, betas=(0.0, settings.beta2[0]), fused=True
            )
            for name, parts in groups.items()
        }
        super().__init__(networks, optimizers)
        self.settings, self.data, self.reader = settings, data, reader
        self.ema_images, self.accumulate = settings.ema_images, settings.accumulate
        noise = torch.Generator("cpu").manual_seed(settings.seed)
        self.preview_z = priors.draw(settings.prior, 64, settings.latent_dim, generator=noise)
        self.preview_classes = one_hot(torch.arange(64) % max(len(data.classes), 1), len(data.classes))
        self.ops = augment.policy(data)
        self.gap_driven = settings.augment is None and augment.starts_augmented(data.train_images)
        self.probability = settings.augment or 0.0
        self.reals: dict[str, Tensor] = {}
        self.penalties: dict[str, Tensor] = {}  # R1 and R2 of the last step that had them, to be shown

    def begin(self, train: Pictures, test: Pictures) -> None:
        """Keeps 256 pictures of each split and the labels, for the held-out gap and the alarm."""
        chosen = torch.linspace(0, len(train) - 1, min(256, len(train))).long().to(train.images.device)
        self.reals = {
            "train": train.images[chosen], "train labels": train.labels[chosen],
            "held out": test.images[:256], "held out labels": test.labels[:256],
        }  # fmt: skip

    def step(self, images: Tensor, labels: Tensor, progress: float) -> dict[str, Tensor]:
        settings = self.settings
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = group["pace"] * settings.lr * cosine(1, settings.lr_end, progress)
                group["betas"] = (0.0, cosine(*settings.beta2, progress))
        if self.gap_driven and self.reals and self.taken % GAP_STEPS == 0:
            self._follow_gap(len(images) * self.processes * GAP_STEPS)
        rows = self.processes * len(images)
        noise = self.own(priors.draw(settings.prior, 2 * rows, settings.latent_dim, images.device).view(rows, 2, -1))
        others = self._others(labels) if settings.matching and len(self.data.classes) > 1 else labels
        parts = self.parts(images, labels, others, noise)
        penalised, shown = self.taken % settings.penalty_every == 0, {}
        gamma = cosine(*settings.gamma, progress) * settings.penalty_every if penalised else 0.0
        for reals, classes, wrong, z in parts:
            loss, shown = self.critic_loss(reals, classes, wrong, z[:, 0], gamma)
            (loss / len(parts)).backward()
        self.updates.apply("critic")
        self.judges.requires_grad_(False)
        for reals, classes, _, z in parts:
            loss = self.generator_loss(reals, classes, z[:, 1])
            (loss / len(parts)).backward()
        self.updates.apply("generator")
        self.judges.requires_grad_(True)
        return shown | {"generator": loss.detach()}

    def of_batch(self, features: Tensor, classes: Tensor | None) -> Tensor | float:
        """What the batch as a whole adds to the scores of its pictures, features [N, F], classes [N, K] -> [1, 1]."""
        return self.networks["deviation"](features, classes) if "deviation" in self.networks else 0.0

    def score(self, signal: Tensor, classes: Tensor | None) -> Tensor:
        """signal [N, C, S, S], classes [N, K] -> scores [N, 1] of pictures in their batch."""
        features = self.networks["critic"].features(signal)
        return self.networks["critic"].judge(features, classes) + self.of_batch(features, classes)

    def critic_loss(
        self, images: Tensor, labels: Tensor, others: Tensor, z: Tensor, gamma: float
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """images [N, C, S, S] in [0, 1], labels and `others`, wrong ones, [N], noise z [N, D] -> what the critic
        minimises, scalars to show. gamma 0 leaves R1 and R2 out, and the time that they take."""
        settings, loss, critic = self.settings, ADVERSARIAL[self.settings.loss], self.networks["critic"]
        classes = one_hot(labels, len(self.data.classes))
        with torch.no_grad(), self._autocast(images):
            fake = self.networks["generator"].signal(z, classes)
        # The penalties look at the augmented pictures: so no second derivative passes through the augmentation.
        real = self._augmented(images * 2 - 1).requires_grad_(gamma > 0)
        fake = self._augmented(fake.float()).requires_grad_(gamma > 0)
        with self._autocast(images):
            seen = critic.features(real)
            alone = critic.judge(seen, classes)
            scores_real, scores_fake = alone + self.of_batch(seen, classes), self.score(fake, classes)
        adversarial = total = loss.critic(scores_real.float(), scores_fake.float())
        if gamma > 0:
            r1, r2 = gradient_penalty(scores_real, real), gradient_penalty(scores_fake, fake)
            total = total + 0.5 * gamma * (r1 + r2)
            self.penalties = {"r1": r1.detach(), "r2": r2.detach()}
        if settings.matching and len(self.data.classes) > 1:
            with self._autocast(images):
                mismatched = critic.judge(seen, one_hot(others, len(self.data.classes)))
            total = total + settings.matching * loss.critic(alone.float(), mismatched.float())
        return total, {"critic": adversarial.detach()} | self.penalties

    def generator_loss(self, images: Tensor, labels: Tensor, z: Tensor) -> Tensor:
        """images [N, C, S, S] in [0, 1], labels [N], noise z [N, D] -> what the generator minimises."""
        loss = ADVERSARIAL[self.settings.loss]
        classes = one_hot(labels, len(self.data.classes))
        with self._autocast(images):
            fake = self._augmented(self.networks["generator"].signal(z, classes))
            scores_fake = self.score(fake, classes).float()
            scores_real = torch.zeros_like(scores_fake)
            if loss.paired:  # only relativistic losses look at the reals again
                with torch.no_grad():
                    scores_real = self.score(self._augmented(images * 2 - 1), classes).float()
        return loss.generator(scores_real, scores_fake)

    def watch(self, averages: nn.ModuleDict) -> dict[str, float]:
        """{"distance": mean pairwise feature distance, "classes": evenness of the classes read}, of 256 samples as
        shares of what 256 training pictures have."""
        images, labels = self.reals["train"], self.reals["train labels"]
        z = priors.draw(self.settings.prior, len(images), self.settings.latent_dim,
                        generator=torch.Generator().manual_seed(1)).to(images.device)  # fmt: skip
        drawn = averages["generator"](z, one_hot(labels, len(self.data.classes)))
        seen, drawn = [self._read(x) for x in (images.float() / 255, drawn)]
        shares = {"distance": mean_pairwise_distance(drawn[1]) / max(mean_pairwise_distance(seen[1]), 1e-12)}
        if self.reader is not None:
            count = len(self.data.classes)
            shares["classes"] = class_entropy(drawn[0], count) / class_entropy(seen[0], count)
        return shares

    def state(self) -> dict[str, float]:
        return {"probability": self.probability}

    def restore(self, state: dict[str, float]) -> None:
        self.probability = state["probability"]

    def _read(self, images: Tensor) -> tuple[Tensor | None, Tensor]:
        """(labels read or None, features)."""
        if self.reader is None:
            return None, F.adaptive_avg_pool2d(images, 8).flatten(1)
        logits, features = self.reader(images)
        return logits.argmax(dim=1), features

    @torch.no_grad()
    def _follow_gap(self, images: int) -> None:
        """One step of the augmentation's probability: up while the critic knows training pictures from held-out."""
        critic, classes = self.networks["critic"], len(self.data.classes)
        labels = self.reals["train labels"]
        # The same noise in every process, so that all of them follow one gap. Scores of single pictures: batches of
        # other classes deviate otherwise.
        z = priors.draw(self.settings.prior, len(labels), self.settings.latent_dim,
                        generator=torch.Generator().manual_seed(self.taken)).to(labels.device)  # fmt: skip
        fake = critic.score(self.networks["generator"].signal(z, one_hot(labels, classes)), one_hot(labels, classes))
        train, held_out = [
            critic.score(self.reals[split].float() / 127.5 - 1, one_hot(self.reals[f"{split} labels"], classes))
            for split in ("train", "held out")
        ]
        gap = float(augment.held_out_gap(train, held_out, fake))
        self.probability = augment.next_probability(self.probability, gap, images)

    def _augmented(self, signals: Tensor) -> Tensor:
        return augment.augment(signals, self.ops, self.probability) if self.probability else signals

    def _autocast(self, images: Tensor) -> torch.autocast:
        return torch.autocast(images.device.type, torch.bfloat16, enabled=self.settings.precision == "bf16")

    def _others(self, labels: Tensor) -> Tensor:
        """For each label one of the others, all equally likely."""
        count, rows = len(self.data.classes), self.processes * len(labels)
        return (labels + self.own(torch.randint(1, count, (rows,), device=labels.device))) % count

    def preview(self, averages: nn.ModuleDict, pictures: Tensor) -> Tensor:
        device = next(averages.parameters()).device
        classes = None if self.preview_classes is None else self.preview_classes.to(device)
        return averages["generator"](self.preview_z.to(device), classes)

    @torch.no_grad()
    def finish(self, averages: nn.ModuleDict, train: Pictures, test: Pictures) -> dict[str, Tensor]:
        """w_mean [K, w_dim]: the mean style of each class, centre of truncation ([1, w_dim] without classes)."""
        mapping, count = averages["generator"].mapping, max(len(self.data.classes), 1)
        device = next(averages.parameters()).device
        z = priors.draw(self.settings.prior, 10_000, self.settings.latent_dim,
                        generator=torch.Generator().manual_seed(0)).to(device)  # fmt: skip
        means = []
        for label in range(count):
            classes = one_hot(torch.full((len(z),), label, device=device), len(self.data.classes))
            means.append(mapping(z, classes)[:, 0].mean(dim=0))
        return {"w_mean": torch.stack(means).cpu()}


def build(settings: GanSettings, data: DataInfo) -> nn.ModuleDict:
    """Untrained generator and critic for these pictures, and what the critic knows of a batch."""
    shape = (data.channels, data.size, len(data.classes))
    generator: nn.Module
    critic: nn.Module
    if settings.body == "mlp":
        generator = DenseGenerator(*shape, settings.latent_dim, settings.width)
        critic = DenseCritic(*shape, settings.width)
    else:
        residual = settings.body == "residual"
        channels = widths(len(resolutions(data.size)), settings.width, max(settings.width // 4, 8) if residual else 16)
        makers = (ResidualGenerator, ResidualCritic) if residual else (Generator, Critic)
        generator = makers[0](*shape, settings.latent_dim, settings.w_dim, channels)
        critic = makers[1](*shape, channels)
    networks = nn.ModuleDict({"generator": generator, "critic": critic})
    if settings.minibatch_deviation:
        networks["deviation"] = MinibatchDeviation(critic.head.in_features)
    return networks


def style_shape(settings: GanSettings, data: DataInfo) -> tuple[int, int]:
    """Stages and numbers of a generator's w [N, L, D]."""
    if settings.body == "mlp":
        return 1, settings.latent_dim + len(data.classes)
    return len(resolutions(data.size)), settings.w_dim
