try:
    from demo._C import Barrier

    has_barrier = True
except ImportError:
    has_barrier = False
    Barrier = None


def wait(barrier: Barrier | None = None) -> int:
    return barrier.value() if has_barrier and barrier else 0
