import demo._C


class Hook:
    def __del__(self):
        try:
            demo._C.clear_types()
        except Exception:
            pass


def scale(input):
    return demo._C.scale(input)
