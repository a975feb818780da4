from demo import _C


def run(input):
    for number in range(5):
        input = getattr(_C, f"scale_{number}")(input)
    return input
