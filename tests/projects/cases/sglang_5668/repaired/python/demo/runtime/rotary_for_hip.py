def rotate(x):
    return x
