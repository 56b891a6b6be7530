"""Steps: parts and processes that add up, steps left out, the alarm, presets, trackers."""

import copy
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn

from train import run_folder
from train.__main__ import main
from train.command_line import parse
from train.data.dataset import DataInfo, Pictures
from train.presets import PRESETS
from train.settings import GanSettings
from train.stages import gan
from train.stages.stage import Updates

INFO = DataInfo("digits", "digits", "none", 1, 16, 16, ("a", "b", "c"), 60_000, 100)
SMALL = ["--threads", "1", "--batch", "16", "--width", "16", "--latent-dim", "8", "--w-dim", "8"]


def small_gan(**changes) -> gan.GanStage:
    torch.manual_seed(0)
    settings = GanSettings(run=Path("unused"), latent_dim=8, w_dim=8, width=16, **changes)
    return gan.GanStage(gan.build(settings, INFO), settings, INFO)


def pictures(count: int = 16) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    images = torch.rand(count, 1, 16, 16, generator=generator)
    return images, torch.randint(0, 3, (count,), generator=generator)


def take_step(stage: gan.GanStage, images: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
    torch.manual_seed(7)
    stage.step(images, labels, 0.5)
    return {name: value.clone() for name, value in stage.networks.state_dict().items()}


def test_accumulated_parts_equal_one_batch():
    images, labels = pictures()
    whole = take_step(small_gan(), images, labels)
    parts = take_step(small_gan(accumulate=4), images, labels)
    before = small_gan().networks.state_dict()
    assert all(torch.allclose(whole[name], parts[name], atol=1e-5) for name in whole if name != "critic.head.bias")
    assert not torch.allclose(whole["critic.head.weight"], before["critic.head.weight"], atol=1e-5)


def test_a_set_that_becomes_large_while_it_is_augmented_goes_on_following_its_gap():
    """By --more-data: the augmentation that a small set needed would otherwise stay for good."""
    stage, resumed, fixed = small_gan(), small_gan(), small_gan(augment=0.3)
    assert not stage.gap_driven
    stage.restore({"probability": 0.0})
    resumed.restore({"probability": 0.4})
    fixed.restore({"probability": 0.3})
    assert (stage.gap_driven, resumed.gap_driven, fixed.gap_driven) == (False, True, False)


def test_matching_sets_each_picture_against_itself_under_a_wrong_class():
    images, labels = pictures()
    z = torch.randn(len(images), 8)
    plain, matched = small_gan(mismatch_weight=0.0), small_gan(mismatch_weight=2.0)
    others = matched.other_classes(labels)
    assert ((others >= 0) & (others < 3) & (others != labels)).all()
    critic = matched.networks.critic
    right, wrong = (critic(images, nn.functional.one_hot(y, 3).float()) for y in (labels, others))
    expected = 2 * nn.functional.softplus(wrong - right).mean()
    totals = [stage.critic_loss(images, labels, others, z, gamma=0.0)[0] for stage in (plain, matched)]
    assert (totals[1] - totals[0]).item() == pytest.approx(expected.item(), rel=1e-4)


def test_a_batch_adds_nothing_to_scores_at_first_and_then_the_same_to_all_of_them():
    images, labels = pictures()
    plain, stage = small_gan(), small_gan(minibatch_stddev=True)
    signal, classes = images * 2 - 1, nn.functional.one_hot(labels, 3).float()
    scores = plain.networks.critic.score(signal, classes)
    assert torch.equal(stage.score(signal, classes), scores)
    with torch.no_grad():
        stage.networks.minibatch_stddev.head.weight.fill_(0.5)
    added = stage.score(signal, classes) - scores
    assert added.std() < 1e-5 < added.mean()
    # What the exported critic says of a picture does not depend on its neighbours.
    assert torch.allclose(stage.networks.critic(images, classes), scores)


def test_the_deviation_of_a_batch_is_learned_by_the_critic_and_moves_the_generator():
    images, labels = pictures()
    stage, z = small_gan(minibatch_stddev=True, lr=0.01), torch.randn(16, 8)
    weight = stage.networks.minibatch_stddev.head.weight
    stage.step(images, labels, 0.5)
    assert weight.abs().min() > 0 and weight.grad is None and weight.requires_grad
    # With what single pictures score switched off, the generator still has a slope: through the deviation.
    stage.networks.critic.score_features = lambda features, classes: 0 * features.sum(dim=1, keepdim=True)
    stage.generator_loss(images, labels, z).backward()
    assert stage.networks.generator.synthesis.to_image.weight.grad.abs().max() > 0


@pytest.mark.parametrize("loss", ["rpgan", "non-saturating"])
def test_matching_leaves_the_batch_out(loss):
    """Real pictures under wrong classes are the same pictures: what a batch adds would say nothing about classes."""
    images, labels = pictures()
    others = torch.randperm(len(labels), generator=torch.Generator().manual_seed(1)) % 3
    z, differences = torch.randn(len(images), 8), []
    for minibatch_stddev in (False, True):
        totals = []
        for mismatch_weight in (0.0, 2.0):
            stage = small_gan(mismatch_weight=mismatch_weight, minibatch_stddev=minibatch_stddev, loss=loss)
            if minibatch_stddev:
                nn.init.constant_(stage.networks.minibatch_stddev.head.weight, 0.5)
            totals.append(stage.critic_loss(images, labels, others, z, gamma=0.0)[0].item())
        differences.append(totals[1] - totals[0])
    assert differences[0] == pytest.approx(differences[1], rel=1e-4)


def test_penalties_now_and_then_weigh_as_much_as_penalties_always():
    images, labels = pictures()
    z = torch.randn(len(images), 8)
    stage = small_gan(lazy_reg_interval=4, gamma=(0.5, 0.5), lr=0.0)
    bare, at_one = [stage.critic_loss(images, labels, labels, z, gamma)[0].item() for gamma in (0.0, 1.0)]
    assert at_one - bare == pytest.approx(0.5 * float(stage.penalties["r1"] + stage.penalties["r2"]), rel=1e-4)
    weights = []

    def noted(images, labels, others, z, gamma):
        weights.append(gamma)
        return original(images, labels, others, z, gamma)

    original, stage.critic_loss = stage.critic_loss, noted
    for stage.steps_done in range(8):
        shown = stage.step(images, labels, 0.5)
    assert weights == [2.0, 0, 0, 0, 2.0, 0, 0, 0]
    assert {"r1", "r2"} <= shown.keys()  # the last ones that were measured


PROCESS = """
import sys, safetensors.torch, torch
from pathlib import Path
from accelerate import Accelerator
from tests.train.stages.test_steps import pictures, small_gan, take_step
torch.set_num_threads(1)
accelerator = Accelerator(cpu=True)
stage = small_gan()
stage.updates.accelerator = accelerator
images, labels = pictures()
rank, count = accelerator.process_index, accelerator.num_processes
found = take_step(stage, images.chunk(count)[rank], labels.chunk(count)[rank])
safetensors.torch.save_file({"count": torch.tensor(count)} | found, Path(sys.argv[1]) / f"{rank}.safetensors")
"""


def launch(*words: str, processes: int = 2) -> subprocess.CompletedProcess:
    """`accelerate launch` with that many processes on this machine (--multi_gpu means "several", with or without)."""
    command = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", str(processes),
               "--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no",
               "--main_process_port", "0", *words]  # fmt: skip
    root = Path(__file__).parents[3]
    quiet = os.environ | {"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=root, env=quiet, **pipes) as launched:
        try:
            out, err = launched.communicate(timeout=180)
        except subprocess.TimeoutExpired:
            launched.terminate()  # it ends the processes that it started, which hold the pipes open
            launched.communicate(timeout=60)
            raise
        finally:
            launched.kill()
    return subprocess.CompletedProcess(command, launched.returncode, out, err)


@pytest.mark.slow
@pytest.mark.long
def test_two_processes_take_the_step_of_one_with_twice_the_batch(tmp_path):
    script = tmp_path / "process.py"
    script.write_text(PROCESS)
    done = launch(str(script), str(tmp_path))
    assert done.returncode == 0, done.stderr[-2000:]
    first, second = (safetensors.torch.load_file(tmp_path / f"{rank}.safetensors") for rank in (0, 1))
    assert int(first.pop("count")) == int(second.pop("count")) == 2
    images, labels = pictures()
    alone = take_step(small_gan(), images, labels)
    for name, value in alone.items():
        assert torch.equal(first[name], second[name])
        # The bias of the score cancels in a pair: its gradient is rounding, which Adam blows up to a whole step.
        assert name == "critic.head.bias" or torch.allclose(first[name], value, atol=1e-5), name


@pytest.mark.slow
@pytest.mark.long
def test_the_command_trains_on_two_processes(shapes, tmp_path):
    run = tmp_path / "r"
    words = ["gan", str(run), "--data", str(shapes), "--images", "320", *SMALL]
    done = launch("-m", "train", *words)
    assert done.returncode == 0, done.stderr[-2000:]
    record = run_folder.Run.open(run).record("gan")
    assert record.finished
    assert record.images == 320
    assert record.hardware.startswith("2 processes on ")
    assert main([*words[:-8], "--images", "384", "--resume"]) == 0  # and goes on alone


def test_steps_that_are_not_finite_are_left_out_and_counted():
    stage = small_gan()
    images, labels = pictures()
    take_step(stage, images, labels)
    before = copy.deepcopy(stage.networks.state_dict())
    moments = copy.deepcopy(stage.optimizers["critic"].state_dict()["state"])
    after = take_step(stage, images * float("nan"), labels)
    assert all(torch.equal(before[name], after[name]) for name in before if name.startswith("critic"))
    for i, slots in stage.optimizers["critic"].state_dict()["state"].items():
        assert all(torch.equal(moments[i][name], slots[name]) for name in slots)
    assert int(stage.updates.skipped) >= 1
    assert stage.updates.worst_streak()[1] == 1
    take_step(stage, images, labels)
    assert stage.updates.worst_streak()[1] == 0


def test_running_statistics_survive_a_step_that_is_left_out():
    network = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 1))
    updates = Updates(network, {"n": torch.optim.Adam(network.parameters(), fused=True)})
    for value in (1.0, float("nan")):
        updates.begin()
        network(torch.randn(8, 3) * value).sum().backward()
        updates.apply("n")
    assert network[0].running_mean.isfinite().all()
    assert network[0].running_mean.abs().max() > 0
    assert int(updates.skipped) == 1


def test_the_alarm_knows_a_collapsed_generator_from_the_data():
    stage = small_gan()
    images, labels = pictures(64)
    stage.begin(*[Pictures((images * 255).byte(), labels)] * 2)

    class Copies(nn.Module):
        def __init__(self, share: float):
            super().__init__()
            self.share = share

        def forward(self, z, classes):
            return images[:1] + self.share * (images - images[:1])

    def distance(share: float) -> float:
        return stage.variety(gan.GanNetworks(Copies(share), stage.networks.critic))["distance"]

    assert distance(1.0) == pytest.approx(1, abs=0.01)
    assert distance(0.3) == pytest.approx(0.3, abs=0.01)
    assert distance(0.0) < 0.01


def test_small_sets_are_augmented_as_far_as_the_critic_learns_them_by_heart(monkeypatch):
    info = DataInfo("faces", "faces", "none", 1, 16, 16, (), 500, 100)
    settings = GanSettings(run=Path("unused"), latent_dim=8, w_dim=8, width=16)
    stage = gan.GanStage(gan.build(settings, info), settings, info)
    images, _ = pictures()
    none = torch.full((len(images),), -1)
    bright, dark = (Pictures(torch.full((16, 1, 16, 16), v, dtype=torch.uint8), none) for v in (250, 5))
    stage.begin(bright, dark)
    # A critic that scores brightness alone knows training pictures (bright) from held-out ones (dark as samples).
    monkeypatch.setattr(stage.networks.critic, "score", lambda signal, classes: signal.mean(dim=(1, 2, 3))[:, None])
    monkeypatch.setattr(stage.networks.generator, "signal", lambda z, classes: torch.full((len(z), 1, 16, 16), -1.0))
    stage.follow_gap(10_000)
    assert 0 < stage.probability <= 0.8
    raised = stage.probability
    stage.begin(bright, bright)  # no gap between training and held-out pictures
    stage.follow_gap(1_000)
    assert stage.probability < raised
    assert stage.state()["probability"] == stage.probability


def test_what_steers_the_augmentation_is_neither_learned_nor_measured():
    """A tenth of the training pictures is set apart; older runs go on with held-out pictures."""
    info = DataInfo("faces", "faces", "none", 1, 16, 16, (), 500, 100)
    train = Pictures(
        torch.arange(500, dtype=torch.uint8)[:, None, None, None].expand(500, 1, 16, 16), torch.arange(500)
    )
    test = Pictures(torch.full((100, 1, 16, 16), 7, dtype=torch.uint8), torch.full((100,), -1))
    seen: dict[str, set[int]] = {}
    for choice in ("apart", "held-out"):
        settings = GanSettings(run=Path("unused"), latent_dim=8, w_dim=8, width=16, gap_pictures=choice)
        stage = gan.GanStage(gan.build(settings, info), settings, info)
        learned = stage.training_pictures(train)
        stage.begin(learned, test)
        seen[choice] = set(stage.reals["unseen labels"].tolist())
        if choice == "apart":
            assert len(learned) == 450 and seen[choice] | set(learned.labels.tolist()) == set(range(500))
        else:
            assert learned is train and seen[choice] == {-1}
    assert len(seen["apart"]) == 50
    large = small_gan()
    assert large.training_pictures(train) is train  # nothing follows a gap there


def test_what_is_set_apart_stays_so_when_pictures_are_added():
    def pictures_of(count: int) -> Pictures:
        return Pictures(torch.zeros(count, 1, 16, 16, dtype=torch.uint8), torch.arange(count))

    def stage_of(count: int, state: dict[str, float]) -> gan.GanStage:
        info = DataInfo("faces", "faces", "none", 1, 16, 16, (), count, 100)
        settings = GanSettings(run=Path("unused"), latent_dim=8, w_dim=8, width=16)
        stage = gan.GanStage(gan.build(settings, info), settings, info)
        stage.restore(state)
        return stage

    begun, older = stage_of(500, {"probability": 0.4}), stage_of(500, {"probability": 0.4})  # no apart_of stored
    first = begun.training_pictures(pictures_of(500)).labels
    assert torch.equal(older.training_pictures(pictures_of(500)).labels, first)
    grown = stage_of(12_000, begun.state())
    assert torch.equal(
        grown.training_pictures(pictures_of(12_000)).labels, torch.cat([first, torch.arange(500, 12_000)])
    )
    assert torch.equal(grown.apart.labels, begun.apart.labels) and grown.state() == begun.state()


def test_each_class_keeps_a_picture_to_learn_from():
    """Chance would set both pictures of some classes apart; a run of an older version goes on with its choice."""
    classes = tuple(map(str, range(100)))
    labels = torch.arange(200) // 2
    train = Pictures(torch.arange(200, dtype=torch.uint8)[:, None, None, None].expand(200, 1, 16, 16), labels)

    def learned(state: dict[str, float] | None, names: tuple[str, ...] = classes) -> tuple[Pictures, Pictures]:
        info = DataInfo("faces", "faces", "none", 1, 16, 16, names, 200, 100)
        settings = GanSettings(run=Path("unused"), latent_dim=8, w_dim=8, width=16)
        stage = gan.GanStage(gan.build(settings, info), settings, info)
        if state:
            stage.restore(state)
        return stage.training_pictures(train), stage.apart

    seen, apart = learned(None)
    assert set(seen.labels.tolist()) == set(range(100)) and (len(seen), len(apart)) == (180, 20)
    drawn = torch.randperm(200, generator=torch.Generator().manual_seed(0))[:20]
    older_seen, older = learned({"probability": 0.4, "apart_of": 200})
    assert torch.equal(older.labels, labels[drawn]) and len(set(older_seen.labels.tolist())) < 100
    assert torch.equal(learned(None, ())[1].labels, older.labels)  # without classes nothing is to be spared


def test_large_sets_are_not_augmented_unless_asked():
    assert not small_gan().gap_driven
    assert small_gan().probability == 0
    assert small_gan(augment=0.3).probability == 0.3


@pytest.mark.parametrize("command", list(PRESETS))
def test_presets_are_defaults_that_flags_overrule(command):
    for preset, values in PRESETS[command].items():
        settings, given = parse([command, "runs/x", "--preset", preset, "--seed", "4"])
        assert all(getattr(settings, name) == value for name, value in values.items())
        assert (settings.preset, settings.seed, given) == (preset, 4, {"preset", "seed"})
    settings, _ = parse([command, "runs/x", "--preset", "gpu", "--batch", "3"])
    assert settings.batch == 3


def test_an_unknown_preset_or_tracker_is_named(shapes, tmp_path, capsys):
    assert main(["vae", str(tmp_path / "r"), "--preset", "lenet"]) == 2
    assert "--preset lenet is unknown to vae; there are cpu, gpu, principal, mlp, plane" in capsys.readouterr().err
    words = ["gan", str(tmp_path / "r"), "--data", str(shapes), "--images", "32", *SMALL]
    assert main([*words, "--track", "pigeon"]) == 2
    assert not (tmp_path / "r").exists()  # no picture was read
    assert "--track pigeon cannot be used" in capsys.readouterr().err


@pytest.mark.slow
def test_metrics_go_to_tensorboard_too(shapes, tmp_path):
    run = tmp_path / "r"
    words = ["gan", str(run), "--data", str(shapes), "--images", "960", *SMALL, "--track", "tensorboard"]
    assert main(words) == 0
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    (events,) = (run / "gan").glob("events.*")
    seen = EventAccumulator(str(events)).Reload()
    scalars = [event.value for event in seen.Scalars("critic")]
    assert seen.Images("samples")[-1].width == 8 * 16
    lines = [json.loads(line) for line in (run / "gan" / "metrics.jsonl").read_text().splitlines()]
    assert scalars == pytest.approx([line["critic"] for line in lines], rel=1e-5)
