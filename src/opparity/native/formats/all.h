#pragma once

#include "native/formats/float4_e2m1.h"
#include "native/formats/float8_e4m3fn.h"
#include "native/formats/float8_e4m3fnuz.h"
#include "native/formats/float8_e5m2.h"
#include "native/formats/int8.h"
