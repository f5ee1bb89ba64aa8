// blocks.hpp: what the programs agree on: two queues, and what stands in their messages.
//
//     reader --- blocks ---> workers --- results ---> wordcount
//
// The text is all files, one after the other, each cut every 4096 bytes. A block has a number, which says where in the text
// it stands: it is what a reader that is started again goes on from, and what tells a result from a repeat. A block that ends
// its file gets a newline, which ends the file's last word.
#pragma once

#include <noria/mpmc.hpp>

#include <cstddef>
#include <cstdint>

namespace wordcount {

using queue = noria::mpmc<noria::bytes>;

constexpr std::size_t block_bytes = 4096;
constexpr std::size_t text_bytes_max = block_bytes + 1;  // with the newline

// In front of a block's text.
struct block_head {
    std::uint64_t number;
};

// In front of a result: what stands before the first space of the block, and what behind the last; both may be parts of
// words. Then for each word between them a line of its number, a space, the word.
struct result_head {
    std::uint64_t number;
    std::uint32_t text_bytes;   // of the block
    std::uint32_t first_bytes;  // all, if there is no space
    std::uint32_t last_bytes;
    std::uint32_t has_space;
};

// A word of n bytes that comes c times takes c * (n + 1) bytes of text, and at most twice that in the result.
constexpr std::size_t result_bytes_max = sizeof(result_head) + 2 * text_bytes_max;

// wordcount makes both queues; each takes its work through the deaths of others: nobody hears of an end.
inline noria::options through_deaths() { return {.await_successor = true}; }
inline noria::options block_queue() {
    return {.capacity = 64, .message_bytes_max = sizeof(block_head) + text_bytes_max, .await_successor = true};
}
inline noria::options result_queue() {
    return {.capacity = 64, .message_bytes_max = result_bytes_max, .await_successor = true};
}

}  // namespace wordcount

// SPDX-License-Identifier: BSL-1.0
