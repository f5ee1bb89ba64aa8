// links_test.cpp: what a page of the project links to is there.
#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>

namespace fs = std::filesystem;

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

BOOST_AUTO_TEST_SUITE_END()

// SPDX-License-Identifier: BSL-1.0
