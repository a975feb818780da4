"""Two trees side by side: what each is, and what is different."""
