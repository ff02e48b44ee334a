"""Published protocols on sets of photographs: rows are written first, figures are computed from what was written."""
