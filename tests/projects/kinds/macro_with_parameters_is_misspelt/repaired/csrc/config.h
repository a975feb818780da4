#pragma once
#define WITH_FAST_MATH() 1
