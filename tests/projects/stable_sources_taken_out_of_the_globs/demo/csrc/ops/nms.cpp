#include "nms.h"

namespace demo {
double checked(double threshold) { return threshold; }
}
