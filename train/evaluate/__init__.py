"""Measuring a run or a bundle: features, metrics, likelihood, memorisation, and the report of all of them."""
