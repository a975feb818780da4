from vllm.platforms.interface import PlatformEnum

_POSSIBLE_FP8_BLOCK_KERNELS: dict[PlatformEnum, list[type]] = {
    platform: [type("OwnKernel", (), {})] for platform in PlatformEnum
}


def register_linear_kernel(
    kernel_class: type, platform: PlatformEnum, kernel_type: str = "mp"
) -> None:
    if kernel_type != "fp8_block":
        raise ValueError(f"a kind of kernel that the stand-in has not: {kernel_type}")
    _POSSIBLE_FP8_BLOCK_KERNELS[platform].append(kernel_class)
