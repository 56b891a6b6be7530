"""Make: from own pictures to one's own generator, in the page. Its routes: demo/routes/make_routes.py.

Nothing here imports PyTorch: training and export are processes of their own (`python -m train`, `python -m export`),
which the page watches by the files in the run folder.
"""
