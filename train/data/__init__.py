"""Any source of pictures as tensors: sources, tables, the scan, splits, and sets that are made here."""
