"""The command line as a stranger meets it."""

import pytest

from tests.support.pictures import draw_folder
from train.__main__ import main
from train.command_line import parse
from train.run_folder import Run
from train.settings import AllSettings, InverseSettings
from train.training import stages_of


def test_help_teaches(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["gan", "--help"])
    shown = capsys.readouterr().out
    assert ended.value.code == 0
    for word in ("--minutes", "--loss", "minimax", "--resume", "Run folder", "R1 and R2"):
        assert word in shown


def test_mistakes_exit_with_2_and_one_sentence(tmp_path, capsys):
    assert main(["gan", str(tmp_path / "run"), "--data", str(tmp_path / "nothing")]) == 2
    said = capsys.readouterr().err
    assert "is not a folder of pictures" in said and said.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--minutes", "0"], "--minutes must be positive"),
        (["--lr", "-1"], "--lr must not be negative, not -1"),
        (["--gamma", "nan", "1"], "--gamma must be a finite number, not nan"),
        (["--beta2", "0.9", "2"], "--beta2 must lie between 0 and 0.9999, not 2"),
        (["--augment", "0.9"], "--augment must lie between 0 and 0.8, not 0.9"),
        (["--minutes", "nan"], "--minutes must be a finite number, not nan"),
        (["--images", "0"], "--images must be positive"),
        (["--latent-dim", "-2"], "--latent-dim must be positive"),
        (["--batch", "1"], "--batch must be at least 2"),
        (["--seed", "12345678901234567890"], "--seed must lie between -100000000000 and 100000000000"),
        (["--threads", "5000"], "--threads 5000 is too many for"),
        (["--threads", "0"], "--threads must be positive"),
        (["--size", "17"], "--size 17 cannot be drawn"),
        (["--size", "54"], "--size 54 cannot be drawn: each side must be 4 to 25 times the same power of two"),
    ],
)
def test_impossible_numbers(tmp_path, shapes, capsys, flags, sentence):
    assert main(["gan", str(tmp_path / "run"), "--data", str(shapes), *flags]) == 2
    assert sentence in capsys.readouterr().err


def test_a_body_that_draws_no_probabilities(tmp_path, shapes, capsys):
    words = ["vae", str(tmp_path / "run"), "--data", str(shapes), "--preset", "principal", "--likelihood", "bernoulli"]
    assert main(words) == 2
    assert "use another body with --likelihood bernoulli" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_width_for_the_lenet_is_refused(shapes, tmp_path, capsys):
    words = ["classifier", str(tmp_path / "run"), "--data", str(shapes), "--preset", "lenet", "--width", "32"]
    assert main(words) == 2
    assert "leave --width out" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_run_may_be_called_like_a_command(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["all", "gan", "--preset", "lenet", "--help"])
    assert ended.value.code == 0 and "default: lenet" in capsys.readouterr().out


def test_all_is_the_four_stages_in_order(tmp_path):
    steps = stages_of(AllSettings(run=tmp_path, minutes=100, seed=5), {"minutes", "seed"})
    assert [name for name, _ in steps] == ["classifier", "gan", "vae", "inverter", "repair"]
    assert sum(own.minutes for _, own in steps) == pytest.approx(100)
    assert {own.seed for _, own in steps} == {5}
    assert [own.batch for _, own in steps] == [128, 32, 128, 128, 128]
    assert {own.batch for _, own in stages_of(AllSettings(run=tmp_path, batch=32), {"batch"})} == {32}
    assert isinstance(steps[-1][1], InverseSettings)


@pytest.mark.slow
def test_all_runs_and_resumes_to_its_end(tmp_path, capsys):
    data = draw_folder(tmp_path / "pictures", 110, classes=False)
    arguments = ["all", str(tmp_path / "run"), "--data", str(data), "--images", "32", "--threads", "1"]
    assert main(arguments) == 0
    assert "the classifier is skipped" in capsys.readouterr().out
    assert main([*arguments, "--resume"]) == 0
    assert main(arguments) == 2


def test_another_data_set_is_refused(tmp_path, shapes, capsys):
    run = ["--images", "32", "--threads", "1"]
    assert main(["classifier", str(tmp_path / "run"), "--data", str(shapes), *run]) == 0
    other = draw_folder(tmp_path / "pictures", 130, classes=False)
    assert main(["vae", str(tmp_path / "run"), "--data", str(other), *run]) == 2
    assert "use the same pictures" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["classifier", "gan", "vae", "inverse", "all", "evaluate"])
def test_help_breaks_no_line_in_mid_sentence(monkeypatch, capsys, name):
    """On a screen that is wide enough, each flag's text is one line, whatever the lines of the source."""
    monkeypatch.setenv("COLUMNS", "2000")
    with pytest.raises(SystemExit):
        main([name, "--help"])
    lines = [line.strip("│ \n") for line in capsys.readouterr().out.splitlines()]
    texts = [
        line
        for line in lines
        if line.endswith((" (required)", " (optional)")) or ("(default: " in line and line.endswith(")"))
    ]
    others = [line for line in lines if line and line not in texts and not line.startswith(("-", "usage:", "╭", "╰"))]
    assert len(texts) > 10
    assert not any("None" in line for line in lines)
    assert len(set(others) - {"positional arguments", "options"}) == 1  # what the command does


@pytest.mark.slow
def test_all_resumed_begins_the_stages_that_were_never_reached(tmp_path, shapes):
    """And what they were begun with is stored, as for a stage begun by itself."""
    words = ["--data", str(shapes), "--images", "32", "--threads", "1"]
    assert main(["classifier", str(tmp_path / "run"), *words]) == 0
    assert main(["all", str(tmp_path / "run"), *words, "--seed", "0", "--resume"]) == 0
    run = Run.open(tmp_path / "run")
    assert (run.settings("gan").images, run.settings("gan").resume) == (32, False)
    assert run.record("repair").finished and run.settings("vae").seed == 0


def test_the_last_of_several_presets_holds():
    for words in (["--preset", "mlp", "--preset", "gpu"], ["--preset=mlp", "--preset=gpu"]):
        settings, _ = parse(["gan", "r", *words])
        assert (settings.preset, settings.body, settings.width) == ("gpu", "residual", 512)


@pytest.mark.parametrize(("stored", "words"), [(False, "before anything was stored"), (True, "stored before is kept")])
def test_ctrl_c_promises_nothing_that_is_not_there(tmp_path, monkeypatch, capsys, stored, words):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("train.training.train_run", interrupted)
    if stored:
        (tmp_path / "run").mkdir()
    assert main(["gan", str(tmp_path / "run"), "--data", str(tmp_path)]) == 130
    assert words in capsys.readouterr().err
