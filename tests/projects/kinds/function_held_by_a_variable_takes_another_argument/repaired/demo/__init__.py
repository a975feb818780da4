from demo import _C


def pairs(points, sizes, grid=None):
    if grid is None:
        if points.dim() == 2:
            found = _C.pairs_2d
        elif points.dim() == 3:
            found = _C.pairs_3d
        else:
            raise NotImplementedError
        return found(points, sizes)
    found = _C.pairs_on_grid_2d if points.dim() == 2 else _C.pairs_on_grid_3d
    return found(points, grid, sizes)


def others(points, sizes):
    found = _C.pairs_2d
    for each in sizes:
        found = each.function
    return found(points)
