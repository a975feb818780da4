"""What git says of a change: its two revisions, and patches."""
