"""Measuring a run or a bundle.

evaluation.py is the way in; subject.py opens what is measured behind the functions of handles.py. In which features:
feature_extractor.py, evaluator.py. The sections of a report (context.py, report.py): gan.py, vae.py, inverse.py,
synthetic_sets.py, control.py. Each metric has a module of its own that carries its name.
"""
