"""Any source of pictures as tensors.

load.py is the way in. What a source is: source.py, opened by sources.py (image_files.py: folders and zips; tables.py:
parquet and the Hugging Face Hub). Reading it: scan.py, checks.py, scan_report.py. What comes out: dataset.py, and
splits.py for what is held out and in which order a training sees the rest. Sets made here: shapes.py, stacked_mnist.py.
"""
