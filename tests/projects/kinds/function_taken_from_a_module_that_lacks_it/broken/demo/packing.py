from demo._C import kWidth, pack_rows


def packed(x):
    return pack_rows(x, width=kWidth)
