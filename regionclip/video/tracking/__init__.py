"""Things followed over frames, with what is known of them."""
