"""Stacked MNIST: several runs in a few numbers; other runs are refused."""

from benchmarks import results, stacked


def test_other_runs_are_refused(trained_run, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    for flag in ("--classifier", "--reader"):  # the older name, which stored commands quote
        assert stacked.main([str(trained_run), flag, str(trained_run)]) == 2
        assert "was not trained on stacked_mnist" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_summary_spans_the_seeds():
    measured = [{"figures": {"gan.modes": {"value": value}}} for value in (990, 1000)]
    assert stacked.summary(measured) == {"gan.modes": {"mean": 995, "least": 990, "largest": 1000}}


def test_the_stored_command_measures_the_same(monkeypatch, tmp_path):
    monkeypatch.setattr(stacked, "measure", lambda settings, folder: {"figures": {}})
    settings = stacked.Settings((tmp_path / "a",), tmp_path / "m", data=f"stacked_mnist:{tmp_path}", samples=500)
    command = stacked.measure_all(settings)["command"]
    assert command.endswith(f"runs/a --classifier runs/m --data stacked_mnist:{tmp_path.name} --samples 500")
