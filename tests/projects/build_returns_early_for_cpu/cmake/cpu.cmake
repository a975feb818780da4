set(SOURCES csrc/cpu/bindings.cpp)
add_library(_C MODULE ${SOURCES})
target_compile_definitions(_C PRIVATE TORCH_EXTENSION_NAME=_C)
target_link_libraries(_C PRIVATE torch)
