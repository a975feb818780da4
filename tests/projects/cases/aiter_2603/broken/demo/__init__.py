from demo.moe import softmax, softmax_assembly
