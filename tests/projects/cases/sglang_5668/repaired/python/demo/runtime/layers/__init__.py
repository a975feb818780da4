from demo.runtime.layers.linear import Linear
