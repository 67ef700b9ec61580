// kernel/cli/own_words.hpp -- what this program says when it is called with some words.
#pragma once

#include "kernel/cli/verb.hpp"

namespace larder::cli {

struct OwnWords {
    int status = 0;
    std::string text;  // of both outputs
};
OwnWords own_words(const Words& words);

}  // namespace larder::cli
