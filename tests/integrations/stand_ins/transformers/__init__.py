from small_llama import LlamaConfig, LlamaForCausalLM

__version__ = "5.24.0"
__all__ = ["LlamaConfig", "LlamaForCausalLM"]
