import demo


def run(input):
    return demo.backend.scale_cpu(demo.backend.shift_cpu(input))
