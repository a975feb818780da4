from demo import loader

_plugin = loader.plugin()


def camera(resolution, focal):
    return _plugin.fromPinholeParameters(resolution, focal)


def fisheye(resolution, angle):
    return _plugin.fromFisheyeParameters(resolution, angle)
