#include "native/gpu/program.h"

#include <algorithm>
#include <stdexcept>

#include "native/gpu/embedded_sources.h"
#include "native/gpu/library.h"

namespace opparity {
namespace {

constexpr const char* kText = "#include \"native/gpu/kernel.h\"\n";
constexpr const char* kFile = "opparity.cu";
constexpr const char* kWayOut =
    "\nPlease report it; meanwhile OPPARITY_FORBID=native lets the reference serve.";
// The first errors say what is wrong; what follows them is often their consequence.
constexpr size_t kLogLines = 12;

class Program {
 public:
  explicit Program(const ProgramFunctions& functions) : functions_(functions) {
    std::vector<const char*> texts;
    std::vector<const char*> names;
    for (const EmbeddedSource& source : embedded_sources()) {
      texts.push_back(source.text);
      names.push_back(source.name);
    }
    check(functions_.create(&program_, kText, kFile, static_cast<int>(names.size()), texts.data(),
                            names.data()),
          "creating a program");
  }
  ~Program() { functions_.destroy(&program_); }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // Returns nothing, or why the program does not compile.
  std::string compile(const std::vector<std::string>& options) const {
    std::vector<const char*> words;
    for (const std::string& option : options) words.push_back(option.c_str());
    const int failure = functions_.compile(program_, static_cast<int>(words.size()), words.data());
    if (failure == 0) return "";
    return std::string(functions_.error_string(failure)) + "\n" + first_lines(log());
  }

  std::vector<char> take(const ProgramResult& result) const {
    size_t size = 0;
    check(result.size(program_, &size), "asking for the code's size");
    std::vector<char> bytes(size);
    check(result.read(program_, bytes.data()), "asking for the code");
    return bytes;
  }

 private:
  std::string log() const {
    size_t size = 0;
    if (functions_.log_size(program_, &size) != 0 || size == 0) return "it has no log";
    std::string text(size, '\0');
    if (functions_.log(program_, text.data()) != 0) return "its log cannot be read";
    text.resize(std::min(text.find('\0'), text.size()));
    return text;
  }

  static std::string first_lines(const std::string& text) {
    size_t end = 0;
    for (size_t i = 0; i < kLogLines; ++i) {
      end = text.find('\n', end);
      if (end == std::string::npos) return text;
      ++end;
    }
    return text.substr(0, end) + "(and more)";
  }

  void check(int failure, const char* what) const {
    if (failure == 0) return;
    throw std::runtime_error(std::string(what) + ": " + functions_.error_string(failure));
  }

  const ProgramFunctions& functions_;
  void* program_ = nullptr;
};

}  // namespace

ProgramFunctions find_program_functions(void* library, const std::string& prefix,
                                        const char* advice) {
  ProgramFunctions found{};
  const auto find = [&](const char* name, auto& function) {
    find_symbol(library, (prefix + name).c_str(), advice, function);
  };
  find("Version", found.version);
  find("GetErrorString", found.error_string);
  find("CreateProgram", found.create);
  find("CompileProgram", found.compile);
  find("GetProgramLogSize", found.log_size);
  find("GetProgramLog", found.log);
  find("DestroyProgram", found.destroy);
  return found;
}

std::string version_of(const ProgramFunctions& functions, const std::string& name) {
  int major = 0;
  int minor = 0;
  if (functions.version(&major, &minor) != 0) return name + " of an unknown version";
  return name + " " + std::to_string(major) + "." + std::to_string(minor);
}

std::vector<char> compile_program(const ProgramFunctions& functions, const ProgramResult& result,
                                  const KernelSource& source, std::vector<std::string> options,
                                  const std::string& compiler, const std::string& architecture) {
  for (const std::string& define : source.defines) options.push_back("-D" + define);
  const Program program(functions);
  const std::string failure = program.compile(options);
  if (!failure.empty()) {
    throw std::runtime_error(compiler + " does not compile " + source.name + " for " +
                             architecture + ": " + failure + kWayOut);
  }
  return program.take(result);
}

}  // namespace opparity
