"""The tabs of the page, one package each, with the logic that only that tab needs."""
