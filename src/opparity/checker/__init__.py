"""The checker: what is declared, registered, built and called, on each platform."""
