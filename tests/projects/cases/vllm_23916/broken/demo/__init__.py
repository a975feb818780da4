from demo import manager
