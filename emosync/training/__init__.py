"""Training: readers for the corpora, splits, networks, evaluation, export."""
