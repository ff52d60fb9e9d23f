// Broken and doubtful files with what the loader has to say about them, word by word and place by
// place. The cases lie in golden/*.txt: "=== name", the file, ">>>", the rendered diagnostics.
#include "penstock/config/load.hpp"
#include "scratch.hpp"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace penstock::config {
namespace {

struct golden_case {
    std::string name;
    std::string yaml;
    std::string expected;
};

void PrintTo(const golden_case& one, std::ostream* out) { *out << one.name; }

std::vector<golden_case> read_cases(const std::filesystem::path& path) {
    std::vector<golden_case> cases;
    std::ifstream file(path);
    std::string* into = nullptr;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("=== ")) {
            cases.push_back({path.stem().string() + "_" + line.substr(4), "", ""});
            into = &cases.back().yaml;
        } else if (line == ">>>") {
            into = &cases.back().expected;
        } else {
            *into += line + "\n";
        }
    }
    return cases;
}

std::vector<golden_case> all_cases() {
    std::vector<golden_case> cases;
    const auto folder = repository() / "tests/unit/config/golden";
    for (const auto& file : std::filesystem::directory_iterator(folder)) {
        for (golden_case& one : read_cases(file.path())) {
            cases.push_back(std::move(one));
        }
    }
    return cases;
}

class GoldenFile : public testing::TestWithParam<golden_case> {};

TEST_P(GoldenFile, IsDiagnosedWordByWord) {
    const scratch_directory scratch;
    scratch.write("a.pem", "x");
    scratch.write("a.key", "x");
    const loaded outcome = load_text(GetParam().yaml, scratch.at("p.yaml"));
    std::string text = render_text(outcome.problems);
    const std::string directory = scratch.at("");
    for (auto found = text.find(directory); found != std::string::npos;
         found = text.find(directory)) {
        text.erase(found, directory.size());
    }
    EXPECT_EQ(text, GetParam().expected);
    EXPECT_EQ(outcome.ok(), text.find(": error: ") == std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Cases, GoldenFile, testing::ValuesIn(all_cases()),
                         [](const auto& one) { return one.param.name; });

TEST(GoldenFiles, AreManyAndDistinct) {
    std::set<std::string> names;
    for (const golden_case& one : all_cases()) {
        EXPECT_TRUE(names.insert(one.name).second) << one.name;
    }
    EXPECT_GE(names.size(), 120U);
}

}  // namespace
}  // namespace penstock::config
