"""What Opparity's plugin looks up in vLLM, and nothing else; compared with vLLM itself by
`make integrations` (tests/real_packages/test_vllm_names.py).
"""

__version__ = "0.33.0"
