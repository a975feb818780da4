print(";".join(f"gen_training_{optimizer}.cpp" for optimizer in ("sgd", "adam")), end="")
