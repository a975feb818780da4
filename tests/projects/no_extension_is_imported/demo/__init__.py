from demo.moe import reduce_experts
