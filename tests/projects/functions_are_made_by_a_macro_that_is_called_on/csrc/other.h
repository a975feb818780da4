#pragma once

inline int shift_entry(int count) {
  return count;
}
