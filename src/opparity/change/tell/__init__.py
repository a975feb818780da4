"""What a change means to its readers, as statements."""
