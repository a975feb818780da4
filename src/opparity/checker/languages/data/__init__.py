"""Build descriptions and source lists that are data: TOML and JSON."""
