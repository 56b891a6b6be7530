"""The logic of the page's tabs: what only the tab needs, and what endpoints share with it."""
