"""Is a tower on this machine what it should be: its promises, its words, its weights against the released ones."""
