from demo import collective, passes
