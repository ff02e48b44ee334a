"""`regionclip eval`: protocols on scenes, on clips, of proposers, of speed."""
