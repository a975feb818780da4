def get_fp8_min_max() -> tuple[float, float]:
    return -448.0, 448.0
