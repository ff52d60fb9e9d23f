"""Keeps documents true to the sources: names that exist, tables that are whole.

Used by tidy.py. A check gets the texts of the repository by path and yields (path, line, rule,
text). A document that is not there is not checked.
"""

import re

LIFE = "docs/life_of_a_request.md"
OPERATIONS = "docs/operations.md"
METRICS = "docs/metrics.md"
ACCESS_LOG = "docs/access_log.md"
REASONS = "include/penstock/exchange/reason.hpp"
STATUSES = "src/proxy/failure.cpp"
README = "README.md"
MINIMAL = "config/minimal.yaml"
ACCESS_FORMAT = "src/proxy/access_format.cpp"
ADMIN_FOLDER = "src/admin/"

QUOTED = re.compile(r"`([^`\n]+)`")
FILE = re.compile(r"[\w/.-]+\.(?:hpp|cpp)")
NAME = re.compile(r"((?:~?\w+::)*~?\w+)(\(\))?")
ROW = re.compile(r"(?m)^\| `([^`]+)` \|([^|\n]*)\|")


def line_at(text, position):
    return text.count("\n", 0, position) + 1


def product_of(texts):
    return {path: text for path, text in texts.items()
            if path.startswith(("include/", "src/")) and path.endswith((".hpp", ".cpp"))}


# ---- Names in docs/life_of_a_request.md

def has_name(text, name, called):
    """True if the text of one source holds every part of `a::b`, the last as a function if called."""
    *scopes, last = name.split("::")
    tail = r"\s*\(" if called else r"\b"
    return (all(re.search(rf"\b{re.escape(scope)}\b", text) for scope in scopes)
            and re.search(rf"(?<!\w){re.escape(last)}{tail}", text) is not None)


def check_names(texts):
    document = texts.get(LIFE)
    if document is None:
        return
    sources = product_of(texts)
    for match in QUOTED.finditer(document):
        quoted = match.group(1)
        line = line_at(document, match.start())
        if FILE.fullmatch(quoted):
            if not any(path == quoted or path.endswith("/" + quoted) for path in sources):
                yield LIFE, line, "names", f"no source {quoted}"
            continue
        name = NAME.fullmatch(quoted)
        if name and not quoted.isdigit() and not any(
                has_name(text, name.group(1), name.group(2)) for text in sources.values()):
            yield LIFE, line, "names", f"{quoted} is nowhere in the sources"


# ---- The table of reasons in docs/operations.md

def tokens_of(header):
    """The enumerators of `reason` in order, without `none`."""
    body = re.search(r"enum class reason[^{]*\{(.*?)\};", header, re.DOTALL)
    if not body:
        return []
    plain = re.sub(r"//[^\n]*", "", body.group(1))
    return [token for token in re.findall(r"\w+", plain) if token != "none"]


def statuses_of(source):
    """Of each enumerator that status_of() maps, the status."""
    found = {}
    for cases, status in re.findall(r"((?:case reason::\w+:\s*)+)return (\d+);", source):
        for token in re.findall(r"case reason::(\w+):", cases):
            found[token] = status
    return found


def check_reasons(texts):
    document = texts.get(OPERATIONS)
    if document is None or REASONS not in texts:
        return
    tokens = tokens_of(texts[REASONS])
    statuses = statuses_of(texts.get(STATUSES, ""))
    rows = {}
    for match in ROW.finditer(document):
        token, cell = match.group(1), re.match(r"\s*(\d{3})\b", match.group(2))
        if cell:
            rows[token] = cell.group(1)
            line = line_at(document, match.start())
            if token not in tokens:
                yield OPERATIONS, line, "reasons", f"there is no reason {token}"
            elif statuses.get(token, cell.group(1)) != cell.group(1):
                yield OPERATIONS, line, "reasons", f"{token} is {statuses[token]}"
    for token in tokens:
        if token not in rows:
            yield OPERATIONS, 1, "reasons", f"{token} is missing"


# ---- Tables of names: metric families, keys of the access log

def check_table(texts, document_path, wanted, rule):
    document = texts.get(document_path)
    if document is None or not wanted:
        return
    rows = {match.group(1): line_at(document, match.start()) for match in ROW.finditer(document)}
    for name, line in rows.items():
        if name not in wanted:
            yield document_path, line, rule, f"{name} is nowhere in the sources"
    for name in sorted(wanted - rows.keys()):
        yield document_path, 1, rule, f"{name} is missing"


def check_metrics(texts):
    families = set()
    for path, text in texts.items():
        if path.startswith(ADMIN_FOLDER):
            families.update(re.findall(r'"((?:penstock|process)_[a-z0-9_]+)"', text))
    yield from check_table(texts, METRICS, families, "metrics")


def check_access_log(texts):
    keys = set(re.findall(r'\b(?:member|key)\("([\w.]+)"', texts.get(ACCESS_FORMAT, "")))
    yield from check_table(texts, ACCESS_LOG, keys, "access_log")


# ---- README.md shows config/minimal.yaml

def check_example(texts):
    if README not in texts or MINIMAL not in texts:
        return
    lines = [line for line in texts[MINIMAL].splitlines() if line and not line.startswith("#")]
    if "```yaml\n" + "\n".join(lines) + "\n```" not in texts[README]:
        yield README, 1, "example", f"does not show {MINIMAL} as it is"


def check_documents(texts):
    for check in (check_names, check_reasons, check_metrics, check_access_log, check_example):
        yield from check(texts)
