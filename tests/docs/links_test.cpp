// links_test.cpp: what a page of the project links to is there; and a test that a page names is in the file that it names.
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>
#include <string>

namespace fs = std::filesystem;

namespace {

std::string text_of(const fs::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

// The names of the test cases in a file.
std::set<std::string> cases_in(const fs::path& file) {
    static const std::regex test_case(R"(BOOST_\w+_TEST_CASE(?:_TEMPLATE)?\(\s*(\w+))");
    const std::string text = text_of(file);
    std::set<std::string> names;
    for (auto each = std::sregex_iterator(text.begin(), text.end(), test_case); each != std::sregex_iterator(); ++each)
        names.insert((*each)[1]);
    return names;
}

// The test cases of a room, "process/death": of its file, or of all files of its folder; and the files' names.
std::set<std::string> names_in(const fs::path& tests, const std::string& room) {
    std::set<std::string> names;
    if (fs::exists(tests / (room + "_test.cpp"))) names = cases_in(tests / (room + "_test.cpp"));
    if (!fs::is_directory(tests / room)) return names;
    for (const auto& each : fs::recursive_directory_iterator(tests / room)) {
        if (each.path().extension() != ".cpp") continue;
        names.merge(cases_in(each.path()));
        names.insert(each.path().stem().string());
    }
    return names;
}

// "..." in a name that a page states stands for a part that is left out.
bool states(const std::string& stated, const std::string& name) {
    const std::string pattern = std::regex_replace(stated, std::regex(R"(\.\.\.)"), ".*");
    return std::regex_match(name, std::regex(pattern));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(links)

BOOST_AUTO_TEST_CASE(each_link_to_a_file_of_the_project_leads_to_one) {
    const fs::path root = NORIA_CHECKOUT;
    const std::regex link(R"(\]\(([^)#:]+)(#[^)]*)?\))");
    int pages = 0;
    int found = 0;
    for (auto each = fs::recursive_directory_iterator(root); each != fs::recursive_directory_iterator(); ++each) {
        if (each->is_directory() && each->path().filename().string().starts_with('.')) each.disable_recursion_pending();
        if (each->path().extension() != ".md") continue;
        ++pages;
        std::ifstream file(each->path());
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        for (auto match = std::sregex_iterator(text.begin(), text.end(), link); match != std::sregex_iterator();
             ++match) {
            ++found;
            const fs::path target = each->path().parent_path() / (*match)[1].str();
            BOOST_TEST(fs::exists(target), each->path().string() << " links to " << (*match)[1].str());
        }
    }
    BOOST_TEST(pages > 4);
    BOOST_TEST(found > 20);
}

BOOST_AUTO_TEST_CASE(each_test_that_a_link_names_is_in_the_file_that_it_leads_to) {
    const fs::path root = NORIA_CHECKOUT;
    const std::regex cited(R"(\[`(\w+)`\]\(([^)#:]+_test\.cpp)\))");
    int found = 0;
    for (auto each = fs::recursive_directory_iterator(root); each != fs::recursive_directory_iterator(); ++each) {
        if (each->is_directory() && each->path().filename().string().starts_with('.')) each.disable_recursion_pending();
        if (each->path().extension() != ".md") continue;
        const std::string text = text_of(each->path());
        for (auto link = std::sregex_iterator(text.begin(), text.end(), cited); link != std::sregex_iterator();
             ++link) {
            ++found;
            const auto names = cases_in(each->path().parent_path() / (*link)[2].str());
            BOOST_TEST(names.contains((*link)[1].str()), each->path().string()
                                                             << ": " << (*link)[2] << " has no test " << (*link)[1]);
        }
    }
    BOOST_TEST(found > 20);
}

BOOST_AUTO_TEST_CASE(each_test_that_the_ledger_names_is_in_the_room_that_it_names) {
    // In a row of the ledger a room, such as process/death, comes first, and then the names of its tests.
    const fs::path tests = fs::path(NORIA_CHECKOUT) / "tests";
    const std::regex row(R"(\| \d+ \|.*)");
    const std::regex word(R"(`([a-z0-9_.]*_[a-z0-9_.]*)`|\b((?:contract|process|programs|unit|hostile)/\w+))");
    std::istringstream ledger(text_of(tests / "README.md"));
    int found = 0;
    for (std::string line; std::getline(ledger, line);) {
        if (!std::regex_match(line, row)) continue;
        std::string room;
        for (auto each = std::sregex_iterator(line.begin(), line.end(), word); each != std::sregex_iterator(); ++each) {
            if ((*each)[2].matched) {
                room = (*each)[2];
                BOOST_TEST(!names_in(tests, room).empty(), "the ledger names " << room << ", which has no tests");
                continue;
            }
            ++found;
            const std::string stated = (*each)[1];
            BOOST_TEST(
                std::ranges::any_of(names_in(tests, room), [&](const auto& name) { return states(stated, name); }),
                "the ledger names " << stated << ", which is not in " << room);
        }
    }
    BOOST_TEST(found > 30);
}

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
