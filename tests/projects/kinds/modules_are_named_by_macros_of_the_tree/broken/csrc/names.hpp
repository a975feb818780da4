#pragma once

#ifdef DEMO_ON_CUDA
#define EXTENSION_NAME demo_cuda
#endif
#ifdef DEMO_ON_HIP
#define EXTENSION_NAME demo_hip
#endif

#define HOST_NAME demo_hosts
#define HOST_MODULE_NAME HOST_NAME
