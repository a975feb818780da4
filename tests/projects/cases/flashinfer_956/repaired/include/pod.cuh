#pragma once

namespace attention {

template <int HEAD_DIM, typename Params>
int PodDispatched(Params params, long stream) {
  return HEAD_DIM;
}

}  // namespace attention
