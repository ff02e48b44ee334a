"""From boxes and words to labelled rows: pool, classify, select. Tensors in, tensors out."""
