#pragma once

#define DECLARE_LAZY(name) int lazy_##name()

DECLARE_LAZY(launch);
