#pragma once

namespace demo {

// Copied and moved as it is: of its constructors these alone have bodies.
class Engine {
 public:
  explicit Engine(int width, bool is_wide = false);
  int count() const { return width_; }

 private:
  int width_;
};

class Shared {
 public:
  Shared(int width, int height);
  int count = 0;
};

class Owned {
 public:
  Owned();
  int count = 0;
};

class Braced {
 public:
  explicit Braced(int width);
  int count = 0;
};

}  // namespace demo
