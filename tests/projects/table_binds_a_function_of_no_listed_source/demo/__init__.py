from demo import _native

_native.run()
