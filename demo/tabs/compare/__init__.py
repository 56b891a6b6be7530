"""Compare: figures side by side, where the critic looks, the nearest training pictures, the quiz."""
