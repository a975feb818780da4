"""CMake build descriptions, evaluated in order for one platform at a time; nothing is executed."""
