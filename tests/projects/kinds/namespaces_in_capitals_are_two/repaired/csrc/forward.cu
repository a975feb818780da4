#include "forward.h"

void FORWARD::preprocess(int count) {
  (void)count;
}
