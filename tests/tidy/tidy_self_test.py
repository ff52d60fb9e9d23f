#!/usr/bin/env python3
"""Shows each rule of tidy.py and docs_check.py failing on a bad sample and passing on a good one."""

import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import tidy  # noqa: E402

HEADER = "// What it is.\n#pragma once\n"


class TreeTest(unittest.TestCase):
    """Writes small trees and asks which rules they break."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = self.folder.name

    def write(self, path, text):
        full = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)

    def findings(self, *rules):
        _, found = tidy.check_tree(self.root)
        return [one for one in found if not rules or one.rule in rules]

    def check(self, path, text):
        self.write(path, text)
        return self.findings()

    def assert_clean(self, path, text):
        self.assertEqual([str(one) for one in self.check(path, text)], [])

    def assert_finds(self, rule, line, path, text):
        found = [(one.rule, one.line) for one in self.check(path, text) if one.path == path]
        self.assertEqual(found, [(rule, line)])


class Layering(TreeTest):
    def test_what_the_row_names_is_allowed(self):
        self.assert_clean("src/proxy/a.cpp", '#include "penstock/upstream/cluster.hpp"\n'
                                             '#include "penstock/base/error.hpp"\n'
                                             '#include "proxy/own.hpp"\n')

    def test_what_the_row_does_not_name_is_refused(self):
        for module, other in (("http", "net"), ("net", "http"), ("http", "config"), ("net", "config"),
                              ("exchange", "config"), ("upstream", "downstream"),
                              ("downstream", "upstream"), ("proxy", "downstream"), ("base", "app")):
            with self.subTest(module=module):
                self.assert_finds("layering", 1, f"src/{module}/a.cpp",
                                  f'#include "penstock/{other}/x.hpp"\n')

    def test_table_names_modules_of_rows_above(self):
        self.assertEqual(tidy.read_module_table("# a comment\na:\n\nb: a\nc: a b\n"),
                         {"a": set(), "b": {"a"}, "c": {"a", "b"}})
        for circle in ("a: b\nb: a\n", "a: a\n"):
            with self.assertRaises(ValueError):
                tidy.read_module_table(circle)

    def test_every_folder_has_a_row(self):
        root = os.path.join(os.path.dirname(os.path.abspath(tidy.__file__)), "../..")
        for parent in ("src", "include/penstock"):
            self.assertLessEqual(set(os.listdir(os.path.join(root, parent))), tidy.MODULES.keys())

    def test_unknown_module_is_refused(self):
        self.assert_finds("layering", 1, "src/app/a.cpp", '#include "penstock/misc/x.hpp"\n')

    def test_private_header_of_another_module(self):
        self.assert_finds("layering", 1, "src/proxy/a.cpp", '#include "upstream/pool.hpp"\n')

    def test_public_header_includes_no_private_one(self):
        self.assert_finds("layering", 3, "include/penstock/proxy/a.hpp",
                          HEADER + '#include "proxy/own.hpp"\n')

    def test_tests_may_include_anything(self):
        self.assert_clean("tests/unit/http/a_test.cpp", '#include "penstock/app/app.hpp"\n'
                                                        '#include <openssl/ssl.h>\n')

    def test_libraries_have_their_module(self):
        for header, right, wrong in (("openssl/ssl.h", "net", "http"), ("ares.h", "net", "app"),
                                     ("sys/epoll.h", "net", "app"),
                                     ("netinet/in.h", "net", "config"),
                                     ("prometheus/registry.h", "admin", "proxy"),
                                     ("yaml-cpp/yaml.h", "config", "app"),
                                     ("spdlog/spdlog.h", "base", "net"),
                                     ("boost/asio/post.hpp", "app", "http")):
            with self.subTest(header=header):
                self.assert_finds("layering", 1, f"src/{wrong}/a.cpp", f"#include <{header}>\n")
                self.assert_clean(f"src/{wrong}/a.cpp", "")
                self.assert_clean(f"src/{right}/a.cpp", f"#include <{header}>\n")


class Sizes(TreeTest):
    def test_source(self):
        self.assert_clean("src/app/a.cpp", "//\n" * tidy.SOURCE_LINES_MAX)
        self.assert_finds("size", tidy.SOURCE_LINES_MAX + 1, "src/app/a.cpp",
                          "//\n" * (tidy.SOURCE_LINES_MAX + 1))

    def test_header(self):
        filled = HEADER + "\n" * (tidy.HEADER_LINES_MAX - 2)
        self.assert_clean("src/app/a.hpp", filled)
        self.assert_finds("size", tidy.HEADER_LINES_MAX + 1, "src/app/a.hpp", filled + "\n")

    def test_main(self):
        self.assert_clean("src/app/main.cpp", "\n" * tidy.MAIN_LINES_MAX)
        self.assert_finds("size", tidy.MAIN_LINES_MAX + 1, "src/app/main.cpp",
                          "\n" * (tidy.MAIN_LINES_MAX + 1))

    def test_columns(self):
        line = "// " + "x" * (tidy.COLUMNS_MAX - 3)
        self.assert_clean("src/app/a.cpp", line + "\n")
        self.assert_finds("columns", 2, "src/app/a.cpp", "\n" + line + "x\n")


def function(lines, head="void f()"):
    return f"{head} {{\n" + "    g();\n" * (lines - 2) + "}\n"


class Functions(TreeTest):
    def test_limit(self):
        self.assert_clean("src/app/a.cpp", function(tidy.FUNCTION_LINES_MAX))
        self.assert_finds("function", 1, "src/app/a.cpp", function(tidy.FUNCTION_LINES_MAX + 1))

    def test_every_kind_of_head(self):
        for head in ("int a::b(int c) const noexcept", "auto f() -> std::vector<int>",
                     "template <class T>\nT f(T x)", "a::a(int b) : b_(b), c_{1}",
                     "TEST(Noun, Behaves)", "auto f = [this](int x) mutable"):
            with self.subTest(head=head):
                found = self.check("src/app/a.cpp", function(tidy.FUNCTION_LINES_MAX + 1, head))
                self.assertEqual([one.rule for one in found], ["function"])

    def test_what_is_none(self):
        for head in ("namespace penstock {", "struct a final : b {", "enum class c : int {",
                     "const int table[] = {", "class [[nodiscard]] d {"):
            with self.subTest(head=head):
                self.assert_clean("src/app/a.cpp", head + "\n" * 100 + "};\n")

    def test_braces_in_text_and_comments(self):
        self.assert_clean("src/app/a.cpp", 'void f() { g("{"); }  // {\n' + "\n" * 100 +
                          "/* { */ void h() { g('{'); g(R\"x(\n{\n)x\"); }\n")


class Bans(TreeTest):
    def test_each(self):
        for path, code in (("src/net/a.cpp", "std::this_thread::sleep_for(1ms);"),
                           ("tests/unit/net/a_test.cpp", "::usleep(1);"),
                           ("src/net/a.cpp", "boost::asio::any_io_executor e;"),
                           ("src/net/a.cpp", "spawn(x, asio::detached);"),
                           ("src/net/a.cpp", "std::cout << 1;"),
                           ("src/net/a.cpp", 'std::printf("x");'),
                           ("src/net/a.cpp", "using namespace std;"),
                           ("src/http/a.cpp", "std::mutex m;"),
                           ("src/http/a.cpp", "co_return 1;"),
                           ("src/net/a.cpp", "assert(x);"),
                           ("src/net/a.cpp", "if (0) f();")):
            with self.subTest(code=code):
                self.assert_finds("banned", 2, path, "\n" + code + "\n")
                self.assert_clean(path, "\n// " + code + "\n")

    def test_exceptions(self):
        self.assert_clean("src/app/a.cpp", "std::cout << 1;\n")
        self.assert_clean("src/net/a.cpp", "co_await x;\nstatic_assert(true);\nstd::mutex m;\n")
        self.assert_clean("src/net/a.cpp", "x.sleep_time = 1;\nsnprintf(a, b);\n")

    def test_marks(self):
        # Split, so that this file has none itself.
        for mark in ("TO" "DO", "FIX" "ME", "X" "XX", "HA" "CK"):
            with self.subTest(mark=mark):
                self.assert_finds("mark", 1, "src/net/a.cpp", f"// {mark}: later\n")


class Headers(TreeTest):
    def test_pragma(self):
        self.assert_finds("header", 1, "src/net/a.hpp", "// What it is.\n")

    def test_opening(self):
        self.assert_finds("header", 1, "src/net/a.hpp", "#pragma once\n")
        self.assert_clean("src/net/a.hpp", "// x\n" * tidy.OPENING_LINES_MAX + "#pragma once\n")
        self.assert_finds("header", 1, "src/net/a.hpp",
                          "// x\n" * (tidy.OPENING_LINES_MAX + 1) + "#pragma once\n")


class Nodiscard(TreeTest):
    PATH = "include/penstock/net/a.hpp"

    def test_result(self):
        for declaration in ("result<int> f();", "static result<std::pair<int, int>> f(int a);",
                            "virtual task<result<void>> f() = 0;"):
            with self.subTest(declaration=declaration):
                self.assert_finds("nodiscard", 3, self.PATH, HEADER + declaration + "\n")
                self.assert_clean(self.PATH, HEADER + "[[nodiscard]] " + declaration + "\n")

    def test_what_needs_none(self):
        self.assert_clean(self.PATH, HEADER + "struct a { result<int> held; };\n"
                                              "void f(result<int> x);\ntask<> g();\n")
        self.assert_clean("src/net/a.hpp", HEADER + "result<int> f();\n")

    def test_class_that_is_marked(self):
        self.assert_clean(self.PATH, HEADER + "template <class T> class [[nodiscard]] task {};\n"
                                              "task<result<int>> f();\n")


class Words(TreeTest):
    def setUp(self):
        super().setUp()
        words = tidy.WORDS
        tidy.WORDS = words | {tidy.digest("unspeakable")}
        self.addCleanup(setattr, tidy, "WORDS", words)

    def test_words(self):
        self.assert_finds("word", 2, "docs/a.md", "\nUnspeakable things.\n")
        self.assert_clean("docs/a.md", "A user-unspeakable, unspeakably.\n")

    def test_paths(self):
        self.assert_finds("word", 1, "docs/a.md", "see /" "home/somebody/x\n")
        self.assert_clean("docs/a.md", "see /etc/penstock and src/" "home/x\n")


class Links(TreeTest):
    def test_links(self):
        self.write("docs/b.md", "there\n")
        self.assert_clean("docs/a.md", "[b](b.md#part) [c](https://example.com) [d](#here)\n")
        self.assert_finds("link", 1, "docs/a.md", "[b](c.md)\n")


class Documents(TreeTest):
    def test_names(self):
        self.write("src/net/worker.cpp", "void worker::turn() {}\nint depth;\n")
        good = ("`worker.cpp`, `net/worker.cpp`, `worker::turn()`, `turn()`, `depth`, `a b`, "
                "`404`, `X-Y: z`\n")
        self.assert_clean("docs/life_of_a_request.md", good)
        for bad in ("`socket.cpp`", "`orker.cpp`", "`turns()`", "`depth()`", "`socket::turn()`",
                    "`width`"):
            with self.subTest(bad=bad):
                self.assert_finds("names", 2, "docs/life_of_a_request.md", good + bad + "\n")

    def test_reasons(self):
        self.write("include/penstock/exchange/reason.hpp", HEADER + "enum class reason : int {\n"
                   "    none,  // fine\n    no_route,\n    deadline,  // a, b\n};\n")
        self.write("src/proxy/failure.cpp", "case reason::no_route:\n    return 404;\n"
                   "case reason::x:\ncase reason::deadline:\n    return 504;\n")
        row = "| `no_route` | 404 | no such route |\n"
        self.assert_clean("docs/operations.md", row + "| `deadline` | 504 | too late |\n"
                                                      "| `SIGHUP` | reload |\n")
        self.assert_finds("reasons", 1, "docs/operations.md", row)
        self.assert_finds("reasons", 2, "docs/operations.md",
                          row + "| `deadline` | 503 | too late |\n")
        self.assert_finds("reasons", 3, "docs/operations.md",
                          row + "| `deadline` | 504 | |\n| `boredom` | 502 | |\n")

    def test_metrics(self):
        self.write("src/admin/a.cpp", 'family a("penstock_requests_total", "Requests.");\n')
        self.assert_clean("docs/metrics.md", "| `penstock_requests_total` | counter | |\n")
        self.assert_finds("metrics", 1, "docs/metrics.md", "nothing\n")
        self.assert_finds("metrics", 2, "docs/metrics.md", "| `penstock_requests_total` | | |\n"
                                                           "| `penstock_answers_total` | | |\n")

    def test_access_log(self):
        self.write("src/proxy/access_format.cpp", 'all.member("http.status", 1); key("phases");\n')
        self.assert_clean("docs/access_log.md", "| `http.status` | | |\n| `phases` | | |\n")
        self.assert_finds("access_log", 1, "docs/access_log.md", "| `phases` | | |\n")

    def test_example(self):
        self.write("config/minimal.yaml", "# Small.\n\na: 1\nb: 2\n")
        self.assert_clean("README.md", "So:\n```yaml\na: 1\nb: 2\n```\n")
        self.assert_finds("example", 1, "README.md", "So:\n```yaml\na: 1\nb: 3\n```\n")


class CommandLine(TreeTest):
    def run_tidy(self, *arguments):
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tidy.py")
        return subprocess.run([sys.executable, "-B", script, *arguments], capture_output=True,
                              text=True, check=False)

    def test_exit_codes(self):
        self.write("src/net/a.cpp", "int a;\n")
        self.assertEqual(self.run_tidy(self.root).returncode, 0)
        self.write("src/net/a.cpp", "assert(a);\n")
        failed = self.run_tidy(self.root)
        self.assertEqual(failed.returncode, 1)
        self.assertIn("src/net/a.cpp:1: banned: assert(", failed.stdout)
        self.assertEqual(self.run_tidy().returncode, 2)

    def test_a_tree_without_sources_is_no_success(self):
        self.assertEqual(self.run_tidy(self.root).returncode, 1)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    unittest.main()
