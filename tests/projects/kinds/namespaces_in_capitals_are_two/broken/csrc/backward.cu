#include "backward.h"

void BACKWARD::preprocess(int count) {
  (void)count;
}
