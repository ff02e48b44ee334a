"""What comes out: regions, detections, decisions, explanations, heat maps, result JSON."""
