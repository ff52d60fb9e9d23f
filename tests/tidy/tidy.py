#!/usr/bin/env python3
"""Keeps the style of the repository from decaying: layering, sizes, banned calls, attributes, links,
and documents that name what is not there (docs_check.py).

Usage: tidy.py ROOT. Prints one line per finding, `file:line: rule: text`, and exits with 1 if there is
any. tidy_self_test.py shows each rule failing. CONTRIBUTING.md says why they are there.
"""

import hashlib
import os
import re
import sys
from dataclasses import dataclass, field

import docs_check

MODULE_TABLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../cmake/modules.txt")
COLUMNS_MAX = 100
SOURCE_LINES_MAX = 600
HEADER_LINES_MAX = 250
FUNCTION_LINES_MAX = 70
MAIN_LINES_MAX = 60
OPENING_LINES_MAX = 10
CODE_FOLDERS = ("include", "src", "tests", "bench")
SKIPPED_FOLDERS = {".git", "build", ".cache", "__pycache__", "corpus", "results"}


@dataclass
class Source:
    path: str          # relative to the root, with slashes
    text: str
    code: str = ""     # the text without comments and literals, line for line
    lines: list = field(default_factory=list)

    @property
    def is_header(self):
        return self.path.endswith(".hpp")

    @property
    def is_product(self):
        return self.path.startswith(("include/", "src/"))

    @property
    def module(self):
        parts = self.path.split("/")
        if parts[0] == "include" and len(parts) > 3:
            return parts[2]
        if parts[0] == "src" and len(parts) > 2:
            return parts[1]
        return None


@dataclass(frozen=True)
class Finding:
    path: str
    line: int
    rule: str
    text: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.rule}: {self.text}"


# ---- Reading

TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/'
    r'|R"(?P<delimiter>[^()\s\\]{0,16})\(.*?\)(?P=delimiter)"'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'",
    re.DOTALL)


def blank(match):
    """Replaces a comment or literal, keeping line breaks and the quotes of a literal."""
    text = match.group(0)
    breaks = "\n" * text.count("\n")
    return breaks if text.startswith("/") else '""' + breaks


def without_directives(code):
    """Drops preprocessor lines with their continuations, keeping the number of lines."""
    return re.sub(r"(?m)^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: "\n" * m.group(0).count("\n"), code)


def make_source(path, text):
    return Source(path, text, TOKEN.sub(blank, text), text.split("\n"))


def line_at(text, position):
    return text.count("\n", 0, position) + 1


def files_below(root):
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in SKIPPED_FOLDERS)
        for name in sorted(names):
            yield os.path.relpath(os.path.join(folder, name), root).replace(os.sep, "/")


def read_text(root, path):
    with open(os.path.join(root, path), "rb") as file:
        data = file.read()
    try:
        return None if b"\0" in data else data.decode("utf-8")
    except UnicodeDecodeError:
        return None


# ---- Layering

def read_module_table(text):
    """{module: the modules it may include} of a table with rows `name: module module`."""
    table = {}
    for row in text.split("\n"):
        if row and not row.startswith("#"):
            name, known = row.split(":")
            unknown = set(known.split()) - table.keys()
            if unknown:
                raise ValueError(f"{name} names {', '.join(sorted(unknown))}, which has no row above it")
            table[name] = set(known.split())
    return table


with open(MODULE_TABLE, encoding="utf-8") as table_file:
    MODULES = read_module_table(table_file.read())


def may_include(module, other):
    return module == other or other in MODULES.get(module, ())


# Libraries that belong to certain modules.
FOREIGN = [
    (re.compile(r"openssl/|ares\.h|sys/epoll\.h|netinet/"), {"net"}),
    (re.compile(r"prometheus/"), {"admin"}),
    (re.compile(r"nghttp2/"), {"http"}),
    (re.compile(r"yaml-cpp/"), {"config"}),
    (re.compile(r"spdlog/"), {"base"}),
    (re.compile(r"CLI/"), {"app"}),
    (re.compile(r"boost/asio"), {"net"} | {each for each, known in MODULES.items() if "net" in known}),
]


def check_includes(source):
    if source.module is None:
        return
    for match in re.finditer(r'(?m)^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', source.text):
        line = line_at(source.text, match.start())
        yield from check_include(source, line, match.group(1), match.group(2))


def check_include(source, line, bracket, name):
    parts = name.split("/")
    if parts[0] == "penstock":
        if len(parts) < 3 or not may_include(source.module, parts[1]):
            yield Finding(source.path, line, "layering", f"{source.module} must not include {name}")
    elif bracket == '"':
        if parts[0] != source.module or source.path.startswith("include/"):
            yield Finding(source.path, line, "layering", f"{name} is private to {parts[0]}")
    else:
        for pattern, modules in FOREIGN:
            if pattern.match(name) and source.module not in modules:
                yield Finding(source.path, line, "layering",
                              f"<{name}> belongs to {', '.join(sorted(modules))}")


# ---- Sizes

def check_sizes(source):
    count = len(source.lines) - (1 if source.lines[-1] == "" else 0)
    limit = HEADER_LINES_MAX if source.is_header else SOURCE_LINES_MAX
    if source.path == "src/app/main.cpp":
        limit = MAIN_LINES_MAX
    if count > limit:
        yield Finding(source.path, count, "size", f"{count} lines, at most {limit}")
    for number, line in enumerate(source.lines, 1):
        if len(line) > COLUMNS_MAX:
            yield Finding(source.path, number, "columns", f"{len(line)} columns")


SCOPE = re.compile(r"^(?:\[\[\w+\]\]\s*)?(?:inline\s+|export\s+|typedef\s+|static\s+|constexpr\s+)*"
                   r"(?:class|struct|union|enum|namespace|extern)\b")
CONTROL = re.compile(r"^(?:\w+\s*:\s*)?(?:if|for|while|switch|catch|else|do|try|case|default)\b")
FUNCTION = re.compile(
    r"(?:\)|\{\}|\])(?:\s*(?:const\b|noexcept\b(?:\([^()]*\))?|override\b|final\b|mutable\b|try\b"
    r"|&&?))*\s*(?:->[\w:<>,&*\s\[\]()]+|requires\b.*)?$", re.DOTALL)


def kind_of_brace(header):
    """What a `{` opens, by the text between it and the statement before."""
    header = re.sub(r"^(?:(?:public|private|protected)\s*:\s*)+", "", header.strip())
    plain = re.sub(r"^template\s*<.*?>\s*(?=[a-z\[])", "", header, flags=re.DOTALL)
    if CONTROL.match(plain):
        return "control"
    if SCOPE.match(plain) and not re.search(r"\)\s*(?:const|noexcept|override|->.*)?\s*$", plain):
        return "scope"
    if re.search(r"(?:=|return|,|\(|\{)\s*$", plain) or plain == "":
        return "value"
    return "function" if FUNCTION.search(plain) and re.search(r"[\])]", plain) else "value"


def functions_of(source):
    """Yields (first line, last line) of each function body, lambdas included."""
    code = without_directives(source.code)
    header, stack = "", []
    for position, char in enumerate(code):
        if char == "{":
            kind = kind_of_brace(header)
            stack.append((kind, position, header))
            header = ""
        elif char == "}" and stack:
            kind, start, before = stack.pop()
            if kind == "function":
                yield line_at(code, start), line_at(code, position)
            header = before + "{}" if kind == "value" else ""
        elif char == ";":
            header = ""
        else:
            header += char


def check_functions(source):
    for first, last in functions_of(source):
        count = last - first + 1
        if count > FUNCTION_LINES_MAX:
            yield Finding(source.path, first, "function", f"{count} lines, at most {FUNCTION_LINES_MAX}")


# ---- Banned

@dataclass
class Ban:
    pattern: re.Pattern
    why: str
    where: tuple = CODE_FOLDERS
    allowed: tuple = ()


def ban(pattern, why, **more):
    return Ban(re.compile(pattern), why, **more)


BANS = [
    ban(r"\b(?:sleep_for|sleep_until|usleep|nanosleep)\b|(?<!\w)::sleep\s*\(", "wait for an event"),
    ban(r"\bany_io_executor\b", "the worker's concrete executor"),
    ban(r"\basio::detached\b", "worker::spawn is the one place that detaches",
        where=("include", "src", "tests")),
    ban(r"\bstd::(?:cout|cerr|clog)\b", "the log facade", where=("include", "src"),
        allowed=("src/app/",)),
    ban(r"(?<![\w.])(?:std::|::)?v?f?printf\s*\(|\bf?puts\s*\(", "the log facade",
        where=("include", "src"), allowed=("src/app/", "src/base/check.cpp")),
    ban(r"\busing\s+namespace\s+std\s*;", "name what you use"),
    ban(r"\bstd::(?:\w+_)?mutex\b", "http takes no lock", where=("include/penstock/http", "src/http")),
    ban(r"\bco_(?:await|return|yield)\b", "http has no coroutines",
        where=("include/penstock/http", "src/http")),
    ban(r"(?<![\w.>])assert\s*\(", "PENSTOCK_CHECK stays on in release", where=("include", "src")),
    ban(r"\bif\s*\(\s*0\s*\)|#\s*if\s+0\b", "delete it"),
]


def check_bans(source):
    for rule in BANS:
        if not any(source.path.startswith(folder + "/") for folder in rule.where):
            continue
        if source.path.startswith(rule.allowed):
            continue
        for match in rule.pattern.finditer(source.code):
            yield Finding(source.path, line_at(source.code, match.start()), "banned",
                          f"{match.group(0).strip()} ({rule.why})")


MARK = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b")


def check_marks(source):
    for match in MARK.finditer(source.text):
        yield Finding(source.path, line_at(source.text, match.start()), "mark", match.group(0))


# ---- Headers

def check_opening(source):
    if not source.is_header:
        return
    if "#pragma once" not in source.lines:
        yield Finding(source.path, 1, "header", "no #pragma once")
    opening = 0
    while opening < len(source.lines) and source.lines[opening].startswith("//"):
        opening += 1
    if not 1 <= opening <= OPENING_LINES_MAX:
        yield Finding(source.path, 1, "header",
                      f"opens with {opening} lines of comment, expected 1 to {OPENING_LINES_MAX}")


NODISCARD_CLASS = re.compile(r"(?:class|struct)\s+\[\[nodiscard[^\]]*\]\]\s+(\w+)")
RESULT = re.compile(r"(?<![\w<,:])((?:\w+::)*)(result|task)\s*<")


def end_of_angles(code, position):
    """The position behind the `>` that closes the `<` at `position`."""
    depth = 0
    while position < len(code):
        if code[position] == "<":
            depth += 1
        elif code[position] == ">":
            depth -= 1
            if depth == 0:
                return position + 1
        elif code[position] in ";{":
            break
        position += 1
    return None


def check_nodiscard(source, marked_classes):
    if not (source.path.startswith("include/") and source.is_header):
        return
    code = without_directives(source.code)
    for match in RESULT.finditer(code):
        end = end_of_angles(code, match.end() - 1)
        if end is None or match.group(2) in marked_classes:
            continue
        kind = code[match.start():end]
        if match.group(2) == "task" and "result" not in kind:
            continue
        if not re.match(r"\s+(?:\w+::)*(?:operator\s*\S+|\w+)\s*\(", code[end:]):
            continue
        before = re.split(r"[;{}]|(?:public|private|protected)\s*:", code[:match.start()])[-1]
        if "nodiscard" not in before and "friend" not in before and "using" not in before:
            yield Finding(source.path, line_at(code, match.start()), "nodiscard",
                          f"a function that returns {' '.join(kind.split())}")


# ---- All text files

# Words that have no place in this repository, as digests so that this file passes its own check.
WORDS = {
    "3ea125d0bff386e6", "487b91042c7cf27a", "57de4cf40144bdf7", "60965168ce762e94",
    "7d3194f79e645c42", "8c70b25cbbbe8e79", "94a168d2da574b00", "c70eca6b0f88f44d",
    "c857d09db23e6822", "d298391b07433318", "d4f0bc5a29de06b5", "de2187af3fb01170",
}
WORD = re.compile(r"[a-z]+")
PATHS = re.compile(r"(?<![\w.])/(?:work|root|home)/[a-z]")
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")


def digest(word):
    return hashlib.sha256(word.encode()).hexdigest()[:16]


def check_words(path, text):
    for number, line in enumerate(text.split("\n"), 1):
        words = WORD.findall(line.lower())
        for before, word in zip([""] + words, words):
            if digest(word) in WORDS and before != "user":
                yield Finding(path, number, "word", word)
        if PATHS.search(line):
            yield Finding(path, number, "word", "a path of somebody's machine")


def check_links(root, path, text):
    if not path.endswith(".md"):
        return
    for match in LINK.finditer(text):
        target = match.group(1).split("#")[0]
        if not target or "://" in target or target.startswith("mailto:"):
            continue
        if not os.path.exists(os.path.join(root, os.path.dirname(path), target)):
            yield Finding(path, line_at(text, match.start()), "link", f"{target} is not there")


# ---- All together

SOURCE_CHECKS = [check_includes, check_sizes, check_functions, check_bans, check_marks, check_opening]


def load(root):
    texts = {}
    for path in files_below(root):
        text = read_text(root, path)
        if text is not None:
            texts[path] = text
    return texts


def check_tree(root):
    texts = load(root)
    sources = [make_source(path, text) for path, text in texts.items()
               if path.split("/")[0] in CODE_FOLDERS and path.endswith((".hpp", ".cpp", ".cc"))]
    marked = {name for source in sources if source.path.startswith("include/")
              for name in NODISCARD_CLASS.findall(source.code)}
    findings = []
    for source in sources:
        for check in SOURCE_CHECKS:
            findings.extend(check(source))
        findings.extend(check_nodiscard(source, marked))
    for path, text in texts.items():
        findings.extend(check_words(path, text))
        findings.extend(check_links(root, path, text))
    findings.extend(Finding(*found) for found in docs_check.check_documents(texts))
    return sources, findings


def main():
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    sources, findings = check_tree(sys.argv[1])
    for finding in findings:
        print(finding)
    if not sources:
        print(f"no sources below {sys.argv[1]}")
        return 1
    print(f"{len(sources)} files, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
