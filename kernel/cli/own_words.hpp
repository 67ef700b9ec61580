// kernel/cli/own_words.hpp -- what this program says when it is called with some words.
#pragma once

#include "kernel/cli/verb.hpp"

namespace larder::cli {

struct OwnWords {
    int status = 0;
    std::string text;  // of both outputs
};
OwnWords own_words(const Words& words);

// What `larder VERB --help` lists to be said behind the verb: "  new   write a plugin ..." is "new".
Words words_behind(const std::string& verb);

}  // namespace larder::cli
