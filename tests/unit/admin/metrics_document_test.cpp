// docs/metrics.md says what /metrics says, and its queries can be pasted.
#include "unit/admin/stand_in.hpp"

#include <fstream>
#include <iterator>
#include <regex>

namespace penstock::admin {
namespace {

using namespace test;

using pairs = std::map<std::string, std::string>;

std::string document() {
    std::ifstream file(PENSTOCK_SOURCE_DIR "/docs/metrics.md");
    return {std::istreambuf_iterator<char>(file), {}};
}

// Both groups of each match; the first of them is found once.
pairs matches_of(const std::string& text, const std::string& pattern) {
    pairs found;
    const std::regex expression(pattern);
    for (std::sregex_iterator at(text.begin(), text.end(), expression), end; at != end; ++at)
        EXPECT_TRUE(found.emplace((*at)[1], (*at)[2]).second) << (*at)[1] << " is there twice";
    return found;
}

// A process in which every family has something to say.
void fill(stand_in& process) {
    process.sides[0]->metrics.count(record_of("site", 200));
    process.sides[0]->metrics.count_attempt(
        {intern_name("app"), intern_name("127.0.0.1:3000"), true, exchange::reason::none});
    listener_view& front = process.shown.listeners[0];
    front.tls = true;
    front.certificates.push_back({"site.pem", 1893456000});
}

TEST(MetricsDocument, HasARowForEachFamily) {
    stand_in process;
    fill(process);
    const pairs families = matches_of(metrics_text(process.view()), R"(# TYPE (\w+) (\w+)\n)");
    EXPECT_GE(families.size(), 25U);
    EXPECT_EQ(matches_of(document(), R"(\| `((?:penstock|process)_\w+)` \| (\w+) \|)"), families);
}

TEST(MetricsDocument, NamesTheLabelsOfEachFamily) {
    stand_in process;
    fill(process);
    const pairs rows =
        matches_of(document(), R"(\| `((?:penstock|process)_\w+)` \| \w+ \| ([^|]*)\|)");
    for (const auto& [sample, value] : samples_of(process.view())) {
        const std::string name = std::regex_replace(sample.substr(0, sample.find('{')),
                                                    std::regex("_(bucket|sum|count)$"), "");
        std::string labels;
        const std::regex label(R"([{,](\w+)=")");
        for (std::sregex_iterator at(sample.begin(), sample.end(), label), end; at != end; ++at) {
            if ((*at)[1] != "le")
                labels += (labels.empty() ? "" : ", ") + (*at)[1].str();
        }
        ASSERT_EQ(rows.count(name), 1U) << name;
        const std::string row = rows.at(name);
        EXPECT_EQ(row.substr(0, row.find_last_not_of(' ') + 1), labels) << sample;
    }
}

TEST(MetricsDocument, NamesEachPhase) {
    const std::string text = document();
    for (std::size_t i = 0; i < exchange::phase_count; ++i) {
        const std::string row =
            "\n| " + std::string(exchange::name(static_cast<exchange::phase>(i))) + " | ";
        EXPECT_NE(text.find(row), std::string::npos) << row;
    }
}

TEST(MetricsDocument, TellsTheBoundsThatHold) {
    const std::string text = document();
    EXPECT_NE(text.find("tells 3,072 sets of labels"), std::string::npos);
    EXPECT_EQ(proxy::worker_metrics::series_max / 4 * 3, 3072U);
    EXPECT_NE(text.find("remembers 4,094 configured names"), std::string::npos);
    EXPECT_EQ(names_max - 2, 4094U);
}

TEST(MetricsDocument, HasQueriesThatPrometheusTakes) {
    if (!is_installed("promtool"))
        GTEST_SKIP() << "promtool is not installed";
    const std::string text = document();
    const std::string begin = "```promql\n";
    std::string rules = "groups:\n- name: document\n  rules:\n";
    int queries = 0;
    for (std::size_t at = text.find(begin); at != std::string::npos; at = text.find(begin, at)) {
        at += begin.size();
        const std::string query = text.substr(at, text.find("```", at) - at);
        rules += "  - record: q:" + std::to_string(++queries) + "\n    expr: |\n      ";
        rules += std::regex_replace(query, std::regex("\n"), "\n      ") + "\n";
    }
    EXPECT_GE(queries, 8);
    const penstock::test::temp_dir dir;
    const auto checked =
        penstock::test::run({"promtool", "check", "rules", dir.write("rules.yaml", rules)});
    EXPECT_EQ(checked.status.code, 0) << checked.out << checked.err << rules;
}

}  // namespace
}  // namespace penstock::admin
