"""Any source of pictures as tensors.

load.py is the way in. What a source is: source.py, opened by open_source.py; the path that is meant: places.py; which
of its labels and columns are taken: reading.py. Folders and zips: folder_files.py and zip_files.py list their files,
image_files.py picks the pictures by file_kinds.py, layout.py reads the folders around them, label_files.py the labels
beside them, folder_source.py puts these together. Parquet and the Hugging Face Hub: tables.py, columns.py, hub.py.
Cells as classes and as attributes: label_values.py, attributes.py. Reading a source: picture_set.py, scan.py,
pixel_format.py (grey or colour, black and white), pillow_warnings.py, deep_colour.py (colours of 16 bits), checks.py,
scan_report.py. Which pictures are trained on: selection.py. Sets larger than memory: memory.py, cache.py (where they
are packed), packed.py, pack_state.py, mapped_images.py. What comes out: dataset.py, and splits.py for what is held out
and in which order a training sees the rest. Sets made here: shapes.py, stacked_mnist.py. The other way round, any
source as picture files: picture_folder.py. How counts and lists are said: wording.py.
"""
