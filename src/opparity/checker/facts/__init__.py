"""What is known of a tree: frozen data, and no way to come by it."""
