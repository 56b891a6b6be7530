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
