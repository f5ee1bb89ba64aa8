// refusals.hpp: asking for what will be refused, by exception and by error code, and what is wrong with the answer.
//
// Every check returns a complaint: a text that says what is not as promised, or nothing. So the same check works in a
// forked child, where a limit or a namespace makes the world refuse, and its complaint travels to the parent by a pipe.
#pragma once

#include "noria/layout/header.hpp"
#include "noria/noria.hpp"
#include "rig/child.hpp"
#include "rig/skip.hpp"
#include "rig/workspace.hpp"

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace noria::errors {

using numbers = spsc<std::uint64_t>;
using texts = spsc<bytes>;

// What one request came to: nothing, if it was granted.
struct answer {
    std::error_code code;
    std::string text;
    bool typed = true;  // by noria::error, if by exception
};

template <class Request>
answer by_exception(Request request) {
    try {
        request();
        return {};
    } catch (const noria::error& refused) {
        return {refused.code(), refused.what(), true};
    } catch (const std::exception& other) {
        return {{}, other.what(), false};
    }
}

// A request in both forms: `throwing()` throws, `telling(code)` sets the code and returns the text.
struct request {
    std::function<void()> throwing;
    std::function<std::string(std::error_code&)> telling;
};

template <class Endpoint>
request opening(const std::filesystem::path& path, const options& wishes = {}) {
    return {[=] { (void)Endpoint::open(path, wishes); },
            [=](std::error_code& code) { return Endpoint::open(path, wishes, code).error_text(); }};
}
template <class Endpoint>
request creating(const std::filesystem::path& path, const options& wishes = {}) {
    return {[=] { (void)Endpoint::create(path, wishes); },
            [=](std::error_code& code) { return Endpoint::create(path, wishes, code).error_text(); }};
}
template <class Endpoint>
request constructing(const std::filesystem::path& path, const options& wishes = {}) {
    return {[=] {
                Endpoint{path, wishes};
            },
            [=](std::error_code& code) { return Endpoint::open_or_create(path, wishes, code).error_text(); }};
}
inline request observing(const std::filesystem::path& path) {
    return {[=] { (void)inspect(path); },
            [=](std::error_code& code) { return std::string(observer(path, code).error_text()); }};
}
// remove() has no text by error code; the exception's stands for both.
inline request removing(const std::filesystem::path& path) {
    return {[=] { noria::remove(path); },
            [=](std::error_code& code) {
                noria::remove(path, code);
                return by_exception([&] { noria::remove(path); }).text;
            }};
}

// The complaint about a request that should be refused so, in both forms alike: code, file, finding, expectation, and
// each of the words. Nothing: all is as promised.
inline std::string complaint(const request& asked, errc wanted, const std::filesystem::path& path,
                             std::initializer_list<std::string_view> words) {
    const answer thrown = by_exception(asked.throwing);
    answer told;
    told.text = asked.telling(told.code);
    if (!thrown.typed) return fmt::format("threw no noria::error but: {}\n", thrown.text);
    if (thrown.code != wanted) {
        return fmt::format("expected '{}', got '{}': {}\n", make_error_code(wanted).message(), thrown.code.message(),
                           thrown.text);
    }
    if (told.code != thrown.code || told.text != thrown.text) {
        return fmt::format("by exception: {}\nby code '{}': {}\n", thrown.text, told.code.message(), told.text);
    }
    std::string missing;
    if (!thrown.text.starts_with(fmt::format("'{}': ", path.string()))) missing = " the path at the beginning,";
    for (const std::string_view word :
         {std::string_view("found"), std::string_view("expected"), std::string_view("; ")}) {
        if (thrown.text.find(word) == std::string::npos) missing += fmt::format(" '{}',", word);
    }
    for (const std::string_view word : words) {
        if (thrown.text.find(word) == std::string::npos) missing += fmt::format(" '{}',", word);
    }
    return missing.empty() ? std::string() : fmt::format("missing{} in: {}\n", missing, thrown.text);
}

// The complaint about what should work.
inline std::string complaint_of_success(const request& asked) {
    const answer thrown = by_exception(asked.throwing);
    if (thrown.code || !thrown.typed) return fmt::format("expected success, got: {}\n", thrown.text);
    answer told;
    told.text = asked.telling(told.code);
    return told.code ? fmt::format("expected success by code too, got: {}\n", told.text) : std::string();
}

// Runs the checks in a child of its own, whose limits, user and mounts are its own; returns its complaint, or how it died.
// Who cannot do its work there says "skip: ...".
inline std::string in_child(const std::function<std::string()>& checks) {
    int ends[2];
    if (pipe(ends) != 0) return "no pipe\n";
    std::string said;
    rig::child worker([&] {
        close(ends[0]);
        std::string complaint;
        try {
            complaint = checks();
        } catch (const std::exception& thrown) {
            complaint = fmt::format("threw: {}\n", thrown.what());
        }
        return write(ends[1], complaint.data(), complaint.size()) == static_cast<ssize_t>(complaint.size()) ? 0 : 1;
    });
    close(ends[1]);
    char buffer[4096];
    for (;;) {
        const ssize_t got = read(ends[0], buffer, sizeof buffer);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        said.append(buffer, static_cast<std::size_t>(got));
    }
    close(ends[0]);
    const rig::fate fate = worker.wait();
    if (fate != rig::fate{.exit_status = 0}) said += fmt::format("exit {}, signal {}\n", fate.exit_status, fate.signal);
    return said;
}

// What came of the checks in a child: nothing, a complaint, or the reason why they cannot be made here. A case that makes
// many says so once.
inline void judge(const std::string& said) {
    constexpr std::string_view mark = "skip: ";
    if (!said.starts_with(mark)) {
        BOOST_TEST(said == "");
        return;
    }
    static std::string last;
    const std::string reason = boost::unit_test::framework::current_test_case().full_name() + said;
    if (reason != last) rig::skip(said.substr(mark.size()));
    last = reason;
}

inline std::string content_of(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}
inline void write_file(const std::filesystem::path& file, std::string_view content) {
    std::ofstream(file, std::ios::binary).write(content.data(), static_cast<std::streamsize>(content.size()));
}

// The file with another header, its sum put right: what another library would have written.
template <class Edit>
std::string with_header(std::string content, Edit edit) {
    layout::header page;
    std::memcpy(&page, content.data(), sizeof page);
    edit(page);
    page.checksum = layout::checksum_of(page);
    std::memcpy(content.data(), &page, sizeof page);
    return content;
}

}  // namespace noria::errors

// SPDX-License-Identifier: BSL-1.0
