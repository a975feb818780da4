// A stand-in for NVRTC (-DNVRTC) or HIPRTC (recording.h). Its "code" is the options that say for
// which architecture and with which macros it was compiled. NVRTC_ARCHITECTURES lists what NVRTC
// knows, and STAND_IN_LOG is what the log says.
#include <chrono>
#include <cstring>
#include <thread>

#include "recording.h"

#ifdef NVRTC
#define PREFIX nvrtc
#else
#define PREFIX hiprtc
#endif
#ifndef VERSION
#define VERSION 13
#endif
#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define TEXT_(a) #a
#define TEXT(a) TEXT_(a)
#define FUNCTION(name) JOIN(PREFIX, name)
#define ANSWER(name, detail) answer(TEXT(PREFIX) #name, detail)

namespace {

struct Program {
  std::string code;
};

int copy(const std::string& text, char* bytes) {
  std::memcpy(bytes, text.c_str(), text.size() + 1);
  return 0;
}

std::string log_text() {
  const char* given = std::getenv("STAND_IN_LOG");
  return given == nullptr ? "" : given;
}

[[maybe_unused]] std::vector<std::string> architectures() {
  return words_of("NVRTC_ARCHITECTURES", "75 80 90 100");
}

}  // namespace

extern "C" {

int FUNCTION(Version)(int* major, int* minor) {
  *major = VERSION, *minor = 7;
  return 0;
}
const char* FUNCTION(GetErrorString)(int error) { return error == 6 ? "COMPILATION" : "OTHER"; }
int FUNCTION(CreateProgram)(void** program, const char* text, const char* name, int count,
                            const char* const* headers, const char* const* names) {
  *program = new Program;
  const auto first_line = [](const char* lines) {
    return std::string(lines, std::strcspn(lines, "\n"));
  };
  std::string words = std::string(name) + ": " + first_line(text);
  for (int i = 0; i < count; ++i)
    words += std::string(" | ") + names[i] + ": " + first_line(headers[i]);
  return ANSWER(CreateProgram, words);
}
int FUNCTION(CompileProgram)(void* program, int count, const char* const* options) {
  std::string all;
  std::string& code = static_cast<Program*>(program)->code;
  for (int i = 0; i < count; ++i) {
    const std::string option = options[i];
    all += (i == 0 ? "" : " ") + option;
    if (option.find("arch") != option.npos) code = option.substr(option.find('=') + 1);
    if (option.starts_with("-D")) code += " " + option.substr(2);
  }
  // Long enough for other threads to come.
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  return ANSWER(CompileProgram, all);
}
int FUNCTION(GetProgramLogSize)(void*, size_t* size) {
  *size = log_text().size() + 1;
  return 0;
}
int FUNCTION(GetProgramLog)(void*, char* text) { return copy(log_text(), text); }
int FUNCTION(DestroyProgram)(void** program) {
  delete static_cast<Program*>(*program);
  return ANSWER(DestroyProgram, "");
}

#ifdef WITHOUT_CODE
#elif defined(NVRTC)
int nvrtcGetCUBINSize(void* program, size_t* size) {
  *size = static_cast<Program*>(program)->code.size() + 1;
  return 0;
}
int nvrtcGetCUBIN(void* program, char* bytes) {
  return copy(static_cast<Program*>(program)->code, bytes);
}
int nvrtcGetPTXSize(void* program, size_t* size) {
  *size = static_cast<Program*>(program)->code.size() + 5;
  return 0;
}
int nvrtcGetPTX(void* program, char* bytes) {
  return copy("PTX " + static_cast<Program*>(program)->code, bytes);
}
int nvrtcGetNumSupportedArchs(int* count) {
  *count = static_cast<int>(architectures().size());
  return 0;
}
int nvrtcGetSupportedArchs(int* numbers) {
  for (const std::string& word : architectures()) *numbers++ = std::stoi(word);
  return 0;
}
#else
int hiprtcGetCodeSize(void* program, size_t* size) {
  *size = static_cast<Program*>(program)->code.size() + 1;
  return 0;
}
int hiprtcGetCode(void* program, char* bytes) {
  return copy(static_cast<Program*>(program)->code, bytes);
}
#endif
}
