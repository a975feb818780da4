// Where the scale of a token and a group is.
#pragma once

#include "native/call.h"

namespace opparity {

inline int64_t scale_offset(const ScalePlace& place, int64_t token, int64_t group) {
  if (!place.is_tiled) return token * place.token + group * place.group;
  return token / 128 * place.token_128 + token / 32 % 4 * place.token_32 +
         token % 32 * place.token + group / 4 * place.group_4 + group % 4 * place.group;
}

}  // namespace opparity
