"""Sets of pictures with truth, which evaluation, training and calibration share."""
