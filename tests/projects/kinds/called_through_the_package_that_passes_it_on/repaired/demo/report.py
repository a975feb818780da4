def describe() -> str:
    import demo as D

    return f"built with {D.toolkit_version()}"
