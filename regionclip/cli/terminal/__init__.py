"""What commands share: options, exit codes, what is printed."""
