"""Training: PyTorch models of one set of pictures. `python -m train --help` lists the sub-commands."""
