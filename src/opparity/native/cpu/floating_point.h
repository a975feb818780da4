// The contract's rounding, whatever the caller's thread is set to.
#pragma once

#include <cfenv>

namespace opparity {

// Sets rounding to nearest and subnormals on for its lifetime: torch.set_flush_denormal(True) and
// other libraries change them for a thread, and the bits would change with them.
class DefaultFloatingPoint {
 public:
  DefaultFloatingPoint() {
    std::fegetenv(&saved_);
    std::fesetenv(FE_DFL_ENV);
  }
  ~DefaultFloatingPoint() { std::fesetenv(&saved_); }
  DefaultFloatingPoint(const DefaultFloatingPoint&) = delete;
  DefaultFloatingPoint& operator=(const DefaultFloatingPoint&) = delete;

 private:
  std::fenv_t saved_;
};

}  // namespace opparity
