// Words for error messages, the same as operators/checks.py uses. Joined without streams: a library
// whose C++ runtime is linked statically has no locale for them, and a number would crash it.
#pragma once

#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

namespace opparity {

template <typename Part>
std::string word(const Part& part) {
  if constexpr (std::is_floating_point_v<Part>) {
    // Without a sign, as Python has it.
    if (part != part) return "nan";
    char text[32];
    std::snprintf(text, sizeof text, "%g", static_cast<double>(part));
    return text;
  } else if constexpr (std::is_integral_v<Part>) {
    return std::to_string(part);
  } else {
    return std::string(part);
  }
}

template <typename... Parts>
std::string join(const Parts&... parts) {
  std::string text;
  ((text += word(parts)), ...);
  return text;
}

template <typename Values>
std::string list_of(const Values& values) {
  std::string text = "[";
  for (size_t i = 0; i < values.size(); ++i) text += (i == 0 ? "" : ", ") + word(values[i]);
  return text + "]";
}

// Throws what Python sees as a RuntimeError: "<operator>: <what was given; allowed; what to do>".
template <typename... Parts>
[[noreturn]] void refuse(const char* operator_name, const Parts&... parts) {
  std::string text = join(operator_name, ": ", parts...);
  // An exception's words end at the first zero byte, which a text that was given may have.
  for (size_t at = 0; (at = text.find('\0', at)) != std::string::npos;) text.replace(at, 1, "\\0");
  throw std::runtime_error(text);
}

}  // namespace opparity
