from demo import linear
