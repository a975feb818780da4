try:
    import packing

    is_available = True

    def unpacked(packed):
        return packing.unpack(packed)

except Exception:
    packing = None
    is_available = False


def packed(input):
    return packing.pack(input)
