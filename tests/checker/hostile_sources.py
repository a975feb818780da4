"""Sources that no person wrote: each must come to a report, in bounded time and memory."""

from __future__ import annotations

# Long enough for whatever is quadratic to take minutes.
LONG = 1 << 18
BINDINGS = 'TORCH_LIBRARY(_C, m) { m.def("x() -> ()"); m.impl("x", &x); }\n'

LISTING = "project(x LANGUAGES CXX CUDA)\nadd_library(_C MODULE a.cu b.cpp)\n"
ORDINARY = {"CMakeLists.txt": LISTING, "a.cu": "void x() {}\n", "b.cpp": BINDINGS}

NATIVE: dict[str, str] = {
    "parentheses nested a hundred thousand deep": "int x = " + "(" * 100_000 + "1",
    "balanced parentheses": "int x = " + "(" * 30_000 + "1" + ")" * 30_000 + ";",
    "braces nested a hundred thousand deep": "{" * 100_000,
    "namespaces nested ten thousand deep": "namespace a {" * 10_000 + "void f() {}" + "}" * 10_000,
    "#if nested ten thousand deep": "#if A\n" * 10_000 + "int x;\n" + "#endif\n" * 10_000,
    "#if without an end": "#ifdef USE_ROCM\n" * 5_000,
    "#endif without a beginning": "#endif\n#else\n#elif X\n" * 5_000,
    "an #elif chain": "#if A0\n" + "".join(f"#elif A{n}\n" for n in range(3_000)) + "#endif\n",
    "an #if expression nested deep": "#if " + "(" * 20_000 + "A" + ")" * 20_000 + "\n#endif\n",
    "an #if of a hundred thousand nots": "#if " + "!" * 100_000 + "A\nint x;\n#endif\n",
    "an #if of many alternatives": "#if " + " || ".join(["defined(A)"] * 20_000) + "\n#endif\n",
    "numbers that are none": "#if A > " + "9" * 10_000 + "\n#elif A > 08\n#elif 0x\n#endif\n",
    "a macro defined by itself": "#define A A\n#define B C\n#define C B\n#if A && B\n#endif\n",
    "macros in a chain": "".join(
        f"#ifdef M{n}\n#define M{n + 1} M{n}\n#endif\n" for n in range(2_000)
    )
    + "#ifdef M1999\nvoid x();\n#endif\n",
    "an unterminated string": BINDINGS + 'm.def("x' + "y" * 100_000,
    "an unterminated raw string": BINDINGS + 'R"(' + "x\n" * 100_000,
    "an unterminated comment": BINDINGS + "/* " * 100_000,
    "an unterminated comment with brackets": BINDINGS + "/*(" * 100_000,
    "quotes behind backslashes": BINDINGS + '\\"' * 100_000,
    "raw strings that never end": BINDINGS + 'R"(' * 60_000,
    "an #if with one #else after another": "#ifdef A\n" + "#else\n" * 30_000,
    "an #elif chain in an #elif chain": (
        "#if A\n" + "".join(f"#elif A{n} || B{n}\n" for n in range(90))
    )
    * 60
    + "#if A\n#endif\n" * 10_000,
    "octal numbers and numbers without end": "#if 010 > 08\n#elif "
    + "9" * 5000
    + " > 1\n#elif 0b12 || \u00b2 || 0x == 1\nvoid x();\n#endif\n",
    "names that differ in one letter": "TORCH_LIBRARY(_C, m) {\n"
    + "".join(
        f'm.def("operator_name_{n:05}() -> ()"); m.impl("operator_name_{n:05}x", &op{n});\n'
        for n in range(3_000)
    )
    + "}\n",
    "macros that differ in one letter": "".join(
        f"#ifdef USE_MACRO_NAMED_{n:05}\n#endif\n" for n in range(10_000)
    ),
    "spaces and a hash": "#define A(x) x" + " " * 30_000 + "# #\n" + "B(" * 5_000,
    "an unterminated registration": "TORCH_LIBRARY(_C, m) {" + 'm.def("' * 20_000,
    "angle brackets": "a" + "<" * 100_000,
    "templates in templates": "template <" * 20_000 + "class T>" * 20_000 + " void f();",
    "scopes": "a::" * 100_000 + "f();",
    "pointers": "int " + "*" * 100_000 + "x;",
    "a line that fills the file": "int x = 1; " * (LONG // 11),
    "an identifier that fills the file": "int " + "a" * LONG + "();",
    "a file of quotes": '"' * LONG,
    "a file of backslashes": "#define A " + "\\\n" * (LONG // 2),
    "a file of ampersands": "&" * LONG,
    "a file of commas": "f(" + "," * LONG,
    "a file of hashes": "#\n" * (LONG // 2),
    "many registrations of one name": "TORCH_LIBRARY(_C, m) {\n"
    + 'm.def("x() -> ()"); m.impl("x", torch::kCUDA, &x);\n' * 3_000
    + "}\nvoid x() {}\n",
    "a schema nested deep": 'TORCH_LIBRARY(_C, m) { m.def("x('
    + "(" * 20_000
    + '"); m.def("y(Tensor['
    + "[" * 20_000
    + '"); }',
    "lane masks without arguments": "__shfl_xor_sync(0xffffffffu," * 20_000,
    "tables without an end": "x = {" * 60_000,
    "many tables": "static const int x[] = {1};\n" * 10_000,
    "tables of methods without an end": 'PyMethodDef x[] = {{"x", ((((x' * 10_000,
    "a table of methods full of brackets": 'PyMethodDef x[] = {{"x", ' + "((a)" * 50_000 + "}};",
    "text of no alphabet": "".join(chr(0x80 + n % 0x700) for n in range(200_000)),
}

CMAKE: dict[str, str] = {
    "a loop without end": "while(TRUE)\nset(A 1)\nendwhile()\n",
    "a function that calls itself": "function(f)\nf()\nendfunction()\nf()\n",
    "a macro that calls itself": "macro(f)\nf(${ARGN} ${ARGN})\nendmacro()\nf(1)\n",
    "a file that includes itself": "include(CMakeLists.txt)\n" * 3,
    "a folder that adds itself": "add_subdirectory(.)\n",
    "a range of a million million": "foreach(i RANGE 1000000000000)\nset(A ${i})\nendforeach()\n",
    "a list that grows without end": "while(TRUE)\nlist(APPEND A x)\nendwhile()\n",
    "a long list in a loop without end": 'string(REPEAT "x;" 400000 A)\nwhile(TRUE)\nset(B ${A})\n'
    'list(FIND A y C)\nif("y" IN_LIST A)\nendif()\nendwhile()\n',
    "a long list of brackets": 'string(REPEAT "[;" 400000 A)\n'
    "while(TRUE)\nset(B ${A})\nendwhile()\n",
    "many variables and an undecided branch in a loop": "foreach(i RANGE 9999)\nset(V${i} 1)\n"
    "endforeach()\nwhile(TRUE)\nif(X MATCHES y)\nset(Q 1)\nendif()\nendwhile()\n",
    "globs in a loop without end": "while(TRUE)\nfile(GLOB_RECURSE A *.cu *.cpp *.h)\nendwhile()\n",
    "nested loops": "foreach(a RANGE 999)\n" * 6 + "set(A 1)\n" + "endforeach()\n" * 6,
    "a string doubled sixty times": "set(A x)\n" + 'set(A "${A}${A}")\n' * 60,
    "a list doubled sixty times": "set(A x y)\n" + "list(APPEND A ${A})\n" * 60,
    "a string repeated": "string(REPEAT x 1000000000000 A)\nset(B ${A}${A})\n",
    "a regular expression that backtracks": f'string(REGEX MATCH "(a+)+b" A "{"a" * 40}")\n'
    f'if("{"a" * 40}" MATCHES "^(a|aa)+$b")\nendif()\n'
    f'string(REGEX REPLACE "(.*)*x" "" B "{"a" * 40}")\n',
    "a regular expression that is none": 'string(REGEX MATCH "(((" A "x")\n',
    "a regular expression with braces": f'if("{"a" * 200}b" MATCHES "^(a|aa){{60}}$")\nendif()\n'
    f'if("{"a" * 200}b" MATCHES "^(a|aa)+$")\nendif()\nstring(REPEAT "a" 100000 A)\n'
    'string(REGEX REPLACE "(a*)(a*)(a*)b" "" B "${A}")\n',
    "replacements that multiply": 'string(REPEAT "x" 100000 A)\n'
    'string(REPLACE "x" "${A}" B "${A}")\nstring(REGEX REPLACE "x" "${A}" C "${A}")\n'
    'string(REPEAT "x;" 100000 L)\nlist(TRANSFORM L APPEND "${A}")\nlist(JOIN L "${A}" D)\n'
    "list(GET L " + "0 " * 20_000 + "E)\nset(F " + "${A} " * 20_000 + ")\n",
    "numbers that are none": "foreach(i RANGE \u00b2)\nendforeach()\nfunction(f)\n"
    "set(ARGC 1000000000000)\ncmake_parse_arguments(PARSE_ARGV \u00b2 P a b c)\n"
    'cmake_parse_arguments(PARSE_ARGV 0 P "" "" "")\nendfunction()\nf(1)\n'
    f"if({'9' * 5000} VERSION_LESS 1 OR 1e400 EQUAL nan)\nendif()\nlist(GET A {'9' * 5000} B)\n"
    "file(GLOB A RELATIVE)\nbreak()\n",
    "literal arguments in a loop": "while(TRUE)\nmessage(" + "x " * 20_000 + ")\nendwhile()\n",
    "a condition that fills the file": "while(TRUE)\nif(" + "A OR " * 20_000 + "B)\nendif()\n"
    "endwhile()\n",
    "properties of sources in a loop": "while(TRUE)\nset_source_files_properties("
    + "a.cu " * 1_000
    + "PROPERTIES COMPILE_DEFINITIONS A)\nendwhile()\n",
    "packages and variables": "".join(f"find_package(p{n})\n" for n in range(10_000))
    + "".join(f"if(V{n})\nendif()\n" for n in range(10_000)),
    "many targets": "".join(f"add_library(t{n} a.cu b.cpp)\n" for n in range(10_000)),
    "a chain of targets": "add_library(t0 a.cu)\n"
    + "".join(
        f"add_library(t{n} a.cu)\ntarget_link_libraries(t{n} PUBLIC t{n - 1})\n"
        for n in range(1, 6_000)
    ),
    "flags of a directory for many targets": "".join(
        f"add_definitions(-DA{n})\n" for n in range(2_000)
    )
    + "".join(f"add_library(t{n} a.cu)\n" for n in range(2_000)),
    "a number of many digits": 'math(EXPR A "1 << 99999999999")\nmath(EXPR B "9 * '
    + "9" * 6000
    + '")\n',
    "variables in variables": "set(A " + "${" * 20_000 + "x" + "}" * 20_000 + ")\n",
    "conditions nested ten thousand deep": "if(A)\n" * 10_000 + "endif()\n" * 10_000,
    "parentheses nested deep": "if(" + "(" * 20_000 + "A" + ")" * 20_000 + ")\nendif()\n",
    "a generator expression nested deep": "add_library(_C "
    + "$<$<BOOL:1>:" * 10_000
    + "a.cu"
    + ">" * 10_000
    + ")\n",
    "a bracket argument without end": "set(A [==[" + "x\n" * 100_000,
    "a string without end": 'set(A "' + "x\n" * 100_000,
    "globs that lead out": "file(GLOB_RECURSE A /*)\nfile(GLOB B ../../../*)\n"
    "file(READ /etc/passwd C)\ninclude(/etc/passwd)\nadd_library(_C ${A} ${B})\n",
    "a glob that backtracks": f"file(GLOB A {'*a' * 60}.cu)\nadd_library(_C ${{A}})\n",
    "a file that is one command": "set(A " + "x " * (LONG // 2) + ")\n",
    "a file of commands": "set(A x)\n" * (LONG // 9),
    "targets that link each other": "add_library(a a.cu)\nadd_library(b a.cu)\n"
    "target_link_libraries(a b)\ntarget_link_libraries(b a)\n",
    "an alias of itself": "set(A A)\nset(${A} ${A})\nadd_library(A ALIAS A)\n",
}

_EXTENSION = "setup(ext_modules=[CUDAExtension('x._C', sources)])\n"
_IMPORTS = "from setuptools import setup\nfrom torch.utils.cpp_extension import CUDAExtension\n"
SETUP: dict[str, str] = {
    "a loop without end": "sources = []\ndef more():\n    for x in range(1000):\n"
    "        sources.append('a.cu')\n        more()\nmore()\n",
    "a loop that nobody enters": "sources = []\nwhile True:\n    sources.append('a.cu')\n",
    "lists in lists": "sources = ['a.cu']\n" + "sources = [sources, sources]\n" * 40,
    "a list in itself": "sources = ['a.cu']\nsources.append(sources)\n",
    "a dictionary in itself": "d = {}\nd['x'] = d\nimport copy\nsources = [copy.deepcopy(d)]\n",
    "text that multiplies": "s = open('a.cu').read() * 900\nfor i in range(1000):\n"
    "    s = s.replace('x', s)\n    t = '%s%s' % (s, s)\n    u = s.split('o') + list(s)\n"
    "sources = [s.join(u)]\n",
    "numbers that are none": "sources = ['a.cu']\nn = range(9223372036854775808)\n"
    "m = str(0x" + "f" * 5_000 + ")\nk = int('\u00b2') + float('1e400')\n"
    "import os\nos.environ[0x" + "f" * 5_000 + "]\n",
    "returns without end": "def f(x):\n"
    + "".join(f"    if x == y:\n        return {n}\n" for n in range(4_000))
    + "sources = [f(1)]\n",
    "a function that calls itself": "def f():\n    return f() + f()\nsources = f()\n",
    "a lambda that calls itself": "f = lambda x: f(x) + f(x)\nsources = f(1)\n",
    "a class that is its own parent": "class A(A): pass\nsources = A().x\n",
    "a string times a million million": "sources = ['x' * 10**12]\n",
    "a list times a million million": "sources = ['x'] * 10**12\n",
    "a power of powers": "sources = [str(9**9**9)]\n",
    "a shift": "sources = [str(1 << 10**12)]\n",
    "a range of a million million": "sources = [str(i) for i in range(10**12)]\n",
    "nested comprehensions": "sources = [a "
    + "".join(f"for a{n} in range(1000) " for n in range(8))
    + "]\n",
    "a list doubled sixty times": "sources = ['a.cu']\n" + "sources += sources\n" * 60,
    "a string doubled sixty times": "s = 'x'\n" + "s = s + s\n" * 60 + "sources = [s]\n",
    "a wide format": "sources = ['{:>9999999999}'.format(1), '%9999999999d' % 1, "
    "f'{1:>9999999999}']\n",
    "globs that lead out": "import glob\nsources = glob.glob('/**/*', recursive=True)"
    " + glob.glob('../../../*')\n",
    "minus a hundred thousand times": "sources = " + "-" * 100_000 + "1\n",
    "a sum of a hundred thousand": "sources = " + "+".join(["['a.cu']"] * 100_000) + "\n",
    "attributes of attributes": "sources = a" + ".a" * 100_000 + "\n",
    "calls of calls": "sources = a" + "()" * 50_000 + "\n",
    "parentheses nested deep": "sources = " + "(" * 100_000 + "1\n",
    "blocks nested deep": "".join(" " * n + "if x:\n" for n in range(95)) + " " * 95 + "pass\n",
    "an elif chain": "if a: pass\n" + "elif a: pass\n" * 20_000,
    "a string without end": "sources = '''" + "x\n" * 100_000,
    "a coding that does not exist": "# -*- coding: no-such-coding -*-\nsources = []\n",
    "things that would hurt if they ran": "import os, sys\nos._exit(3)\nsys.exit(4)\n"
    "open('/proc/self/mem', 'wb').write(b'x')\n__import__('os').abort()\nsources = []\n",
}

PYTHON: dict[str, str] = {
    "attributes of attributes": "import torch\ntorch.ops" + ".a" * 50_000 + "()\n",
    "minus a hundred thousand times": "x = " + "-" * 100_000 + "1\n",
    "a sum of many": "x = " + " + ".join(["torch.ops._C.x()"] * 20_000) + "\n",
    "conditions of conditions": "if " + " and ".join(["is_cuda()"] * 20_000) + ":\n    pass\n",
    "an elif chain": "if a: torch.ops._C.x()\n" + "elif a: torch.ops._C.x()\n" * 5_000,
    "guards through variables in a ring": "a = b\nb = c\nc = a\nif a:\n    torch.ops._C.x()\n",
    "functions that call each other": "".join(
        f"def f{n}():\n    f{(n + 1) % 300}()\n    f{(n + 7) % 300}()\n    torch.ops._C.x()\n"
        for n in range(300)
    ),
    "blocks nested deep": "".join(" " * n + "if is_cuda():\n" for n in range(95))
    + " " * 95
    + "torch.ops._C.x()\n",
    "a string without end": "torch.ops._C.x()\nx = '''" + "y\n" * 100_000,
    "a line that fills the file": "torch.ops._C.x(); " * (LONG // 18),
    "a coding that does not exist": "# -*- coding: no-such-coding -*-\ntorch.ops._C.x()\n",
    "tables of tables": "T = {}\n" + "T[T[T]] = T[T]\n" * 5_000,
}

TOML: dict[str, str] = {
    "brackets nested deep": "a = " + "[" * 100_000,
    "tables nested deep": "[" + "a." * 20_000 + "a]\n",
    "keys without end": "a." * 50_000 + "a = 1\n",
    "a string without end": 'a = """' + "x\n" * 100_000,
    "keys in quotes": '"\\""' + ".a" * 50_000 + " = 1\n",
    "keys behind a comment with a quote": "# it's\na" + ".a" * 50_000 + " = 1 # '\n",
    "a number without end": "a = 0x" + "f" * 20_000 + "\n[general.x]\nname = 1\n",
    "many sources": "[kernel.x]\nsrc = [" + '"a.cu",\n' * 20_000 + "]\n",
    "no TOML": "\x01\x02 = = =",
}


JSON: dict[str, str] = {
    "many sources": '{"m": {"srcs": [' + '"a.cu",\n' * 20_000 + '"a.cu"]}}',
    "many modules": "{"
    + "".join(f'"m{n}": {{"srcs": ["a.cu"]}},\n' for n in range(20_000))
    + '"m": {"srcs": ["a.cu"]}}',
    "nested deep": '{"m": {"srcs": ' + "[" * 100_000,
    "numbers": '{"m": {"srcs": ["a.cu"], "md_name": ' + "9" * 5_000 + "}}",
}


def trees() -> dict[str, dict[str, str]]:
    """Return each hostile source inside an otherwise ordinary extension."""
    places = {
        "native": (NATIVE, "a.cu", ""),
        "cmake": (CMAKE, "CMakeLists.txt", LISTING),
        "setup": (SETUP, "setup.py", _IMPORTS),
        "python": (PYTHON, "x/ops.py", "import torch\n"),
        "json": (JSON, "ops.json", ""),
        "build.toml": (TOML, "build.toml", "[general]\nname = 'x'\n"),
    }
    found: dict[str, dict[str, str]] = {}
    for kind, (sources, path, before) in places.items():
        after = _EXTENSION if kind == "setup" else ""
        for name, text in sources.items():
            found[f"{kind}: {name}"] = {**ORDINARY, path: before + text + "\n" + after}
    return found
