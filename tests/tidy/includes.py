# tests/tidy/includes.py -- who may include whom, and where each outside library lives.
#
# The tables below are the rule; docs/contributing.md tells the reasons. Strict on purpose: an outside
# header that no table names is a finding too, so that a new dependency is decided and not slipped in.
import os
import pathlib
import re
import tempfile
import unittest

ROOT = pathlib.Path(os.environ.get("LARDER_SOURCE_DIR") or
                    pathlib.Path(__file__).resolve().parent.parent.parent)

# Left may not include right.
KERNEL_LAYERS = ["core", "policy_test", "loader", "kit", "config", "api", "replay", "serve", "embed", "editor", "cli"]

# owner -> owners it may include besides itself. A kernel layer also sees those left of it.
MAY_SEE = {
    "sdk": set(),
    "dsl": {"sdk"},
    "kernel": {"sdk", "dsl"},
    "plugins": {"sdk"},
    "examples": {"sdk"},
    "tests": {"sdk", "dsl", "kernel", "tests"},
}

# A plugin is loaded, never linked; but its parts (a table, a parser) are tested one by one.
PLUGIN_TESTS = re.compile(r"tests/(unit/plugins|unit/(store|compressor|warmer|invalidator|session|"
                          r"exporter|gateway)_\w+|unit/(http_post|postgres_wire|codecs|packing)|bench/\w+|fuzz)/")

# No plugins: what several of them have in common, linked into each.
SHARED_BY_PLUGINS = {"plugins/http_post", "plugins/net", "plugins/postgres_wire", "plugins/redis_wire"}

# An outside library, what its includes look like, and the only files that may contain them.
HOMES = [
    # The syntax tree is made of what the grammar can fill; the checked policy knows none of it.
    ("Boost, what the syntax tree is made of",
     r"boost/(optional|variant|spirit/home/x3/support/ast)[/.]", r"dsl/.*"),
    ("Spirit X3", r"boost/(spirit|fusion)/", r"dsl/(grammar(_\w+)?|tokens|recover)\.[ch]pp"),
    ("Boost.DLL", r"boost/dll", r"kernel/loader/plugin_library\.cpp"),
    ("Boost.JSON", r"boost/json", r"(dsl|kernel|plugins|tests|examples)/.*\.[ch]pp"),
    ("Boost.Describe, to name the members of a host's structs", r"boost/(describe|mp11)[/.]", r"kernel/api/value_codec\.hpp"),
    ("Boost.Asio", r"boost/(asio|beast|system)[/.]",
     r"(kernel/(serve|cli)|plugins/((gateway|store|invalidator|warmer|exporter)_\w+|redis_wire|http_post)|tests|examples)/.*|sdk/include/larder/asio\.hpp"),
    ("Boost.PFR, to walk a syntax tree", r"boost/pfr", r"tests/unit/dsl/.*"),
    ("toml++", r"toml(\+\+|plusplus)", r"kernel/(config/host_config|loader/manifest\w*|config/manifest\w*)\.cpp"),
    ("hiredis", r"hiredis/",
     r"plugins/redis_wire/reader\.cpp|tests/bench/(store_redis|shared)/.*"),
    ("LMDB", r"lmdb\.h", r"(plugins/store_lmdb|tests/unit/store_lmdb|tests/bench/store_lmdb)/.*"),
    ("libpq", r"libpq-fe\.h",
     r"(plugins/(invalidator_event/postgres_channels|postgres_wire/session)|tests/bench/store_postgres/store_postgres_bench)\.cpp"),
    ("brotli", r"brotli/",
     r"plugins/compressor_brotli/.*|tests/unit/codecs/\w+\.cpp"),
    ("zlib", r"zlib\.h", r"plugins/compressor_zlib/.*|tests/(unit/codecs|bench)/.*"),
    ("zstd", r"(zstd|zdict)\.h", r"plugins/compressor_zstd/.*|tests/unit/codecs/.*"),
    ("prometheus-cpp", r"prometheus/", r"plugins/exporter_prometheus/.*"),
    ("spdlog", r"(spdlog|fmt)/", r"kernel/\w+/\w*log\w*\.cpp"),
    ("CLI11", r"CLI/", r"kernel/cli/.*"),
    ("Catch2", r"catch2/", r"tests/catch\.hpp"),
    ("xxHash", r"xxh(ash|3)\.h", r"(kernel/core|dsl|plugins/\w+|tests)/.*"),
    ("OpenSSL", r"openssl/", r"(kernel/(core|serve)|plugins/\w+)/.*"),
    ("RocksDB and oneTBB, to compare with", r"(rocksdb|tbb)/", r"tests/bench/peers/.*"),
]

# Of the C library and the platform: <stdio.h>, <sys/stat.h>, <netinet/in.h>.
PLATFORM = re.compile(r"((sys|netinet|arpa|net|linux|bits|sanitizer)/)?\w+\.h|cxxabi\.h")
CXX_STANDARD = re.compile(r"[a-z_]+[0-9_a-z]*")
# All that a C11 header for plugins may stand on.
SDK_C_HEADERS = {"stddef.h", "stdint.h", "stdbool.h", "string.h", "limits.h", "assert.h",
                 "stdlib.h", "stdio.h"}

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.MULTILINE)
CODE = {".h", ".c", ".hpp", ".cpp", ".inc"}


def violations(root):
    """Every include under `root` that breaks a rule, as "file:line: what"."""
    found = []
    for owner in MAY_SEE:
        for file in sorted((root / owner).rglob("*")):
            if file.suffix in CODE and file.is_file():
                text = file.read_text(encoding="utf-8")
                path = file.relative_to(root).as_posix()
                for match in INCLUDE.finditer(text):
                    what = judge(root, path, match[1], match[2])
                    if what:
                        line = text.count("\n", 0, match.start()) + 1
                        found.append(f"{path}:{line}: {what}")
    return found


def judge(root, path, quote, name):
    """What is wrong with `path` including `name`, or None."""
    owner = path.partition("/")[0]
    home = next((entry for entry in HOMES if re.match(entry[1], name)), None)
    if home:
        library, _, files = home
        if not re.fullmatch(files, path):
            return f"{library} ({name}) may be seen only in {files}"
        return None
    if quote == "<":
        return _judge_angle(path, owner, name)
    return _judge_quoted(root, path, owner, name)


def _judge_angle(path, owner, name):
    if name.startswith("larder/"):
        if owner == "plugins" and not re.match(r"larder/(plugin|testkit)/", name):
            return f"a plugin sees <larder/plugin/...> only, not <{name}>"
        return None
    if owner == "sdk" and path.endswith(".h") and name not in SDK_C_HEADERS:
        guarded = CXX_STANDARD.fullmatch(name)  # inside #ifdef __cplusplus, or it would not compile
        return None if guarded else f"<{name}> is more than a C11 plugin header may stand on"
    if CXX_STANDARD.fullmatch(name) or PLATFORM.fullmatch(name):
        return None
    return f"<{name}> belongs to no library that HOMES in tests/tidy/includes.py names"


def _judge_quoted(root, path, owner, name):
    beside = os.path.normpath(os.path.join(os.path.dirname(path), name))
    target = name
    if not name.startswith(tuple(f"{known}/" for known in MAY_SEE)):
        # By its bare name only from within one's own folder, and only where others do not look.
        if owner not in ("plugins", "examples", "tests", "sdk"):
            return f'"{name}": write the path from the root, so that the line names the owner'
        if owner == "tests" and ((root / "tests" / name).exists() or (root / beside).exists()):
            return None
        if os.path.commonpath([beside, _folder_of(path)]) != _folder_of(path):
            return f'"{name}" leaves {_folder_of(path)}'
        return None
    target_owner = target.partition("/")[0]
    if target_owner == owner:
        if (owner == "plugins" and _folder_of(target) != _folder_of(path)
                and _folder_of(target) not in SHARED_BY_PLUGINS):
            return f"a plugin does not see another: {target}"
        if owner == "kernel":
            mine, other = path.split("/")[1], target.split("/")[1]
            if other not in KERNEL_LAYERS or mine not in KERNEL_LAYERS:
                return f"kernel/{other} is not one of the layers {' < '.join(KERNEL_LAYERS)}"
            if KERNEL_LAYERS.index(other) > KERNEL_LAYERS.index(mine):
                return f"kernel/{mine} may not see kernel/{other}: {' < '.join(KERNEL_LAYERS)}"
        return None
    if target_owner == "sdk":
        return f'"{name}": the SDK is included as its users do, <larder/...>'
    if target_owner == "plugins" and PLUGIN_TESTS.match(path):
        return None
    if target_owner not in MAY_SEE[owner]:
        return f"{owner} may not see {target_owner}: {target}"
    return None


def _folder_of(path):
    """The folder that is one thing: plugins/store_memory, examples/embed_cpp, sdk/include."""
    return "/".join(path.split("/")[:2])


class Includes(unittest.TestCase):
    def test_every_include_of_the_tree_is_allowed(self):
        found = violations(ROOT)
        self.assertFalse(found, "\n" + "\n".join(found))

    def test_what_the_rules_forbid_is_found_when_planted(self):
        planted = {
            "dsl/a.hpp": '#include "kernel/core/clock.hpp"',
            "dsl/b.cpp": "#include <boost/spirit/home/x3.hpp>",
            "dsl/c.cpp": '#include "tokens.hpp"',
            "kernel/core/d.cpp": '#include "kernel/serve/server.hpp"',
            "kernel/core/e.cpp": "#include <boost/dll/shared_library.hpp>",
            "kernel/serve/f.cpp": "#include <toml++/toml.h>",
            "kernel/core/g.cpp": "#  include <spdlog/spdlog.h>",
            "kernel/serve/h.cpp": "#include <CLI/CLI.hpp>",
            "kernel/core/i.cpp": "#include <boost/asio.hpp>",
            "kernel/util/j.cpp": '#include "kernel/util/k.hpp"',
            "kernel/core/k.cpp": '#include "sdk/include/larder/plugin/abi.h"',
            "kernel/core/l.cpp": "#include <hiredis/hiredis.h>",
            "plugins/store_x/m.cpp": '#include "kernel/core/clock.hpp"',
            "plugins/store_x/n.cpp": '#include "dsl/policy.hpp"',
            "plugins/store_x/o.cpp": '#include "plugins/store_y/table.hpp"',
            "plugins/store_x/p.cpp": '#include "../store_y/table.hpp"',
            "plugins/redis_wire/aa.hpp": '#include "plugins/store_y/table.hpp"',
            "plugins/store_x/q.cpp": "#include <brotli/encode.h>",
            "plugins/invalidator_event/bb.cpp": "#include <libpq-fe.h>",
            "plugins/store_x/r.cpp": "#include <larder/larder.h>",
            "examples/host/s.cpp": '#include "kernel/api/kernel.hpp"',
            "sdk/include/larder/t.h": "#include <unistd.h>",
            "sdk/include/larder/u.hpp": '#include "dsl/policy.hpp"',
            "sdk/include/larder/v.hpp": "#include <boost/json.hpp>",
            "tests/unit/w_test.cpp": "#include <catch2/catch.hpp>",
            "tests/unit/core/x_test.cpp": '#include "plugins/store_memory/table.hpp"',
            "kernel/core/y.cpp": "#include <nlohmann/json.hpp>",
            "kernel/core/z.cpp": "#include <prometheus/registry.h>",
        }
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for path, line in planted.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(f"// a file\n{line}\n")
            reported = {entry.partition(":")[0] for entry in violations(root)}
        self.assertEqual(sorted(set(planted) - reported), [], "planted, and not found")

    def test_what_the_rules_allow_is_not_reported(self):
        allowed = [
            ("dsl/grammar_rule.cpp", "<", "boost/spirit/home/x3.hpp"),
            ("dsl/check.cpp", "<", "larder/plugin/abi.h"),
            ("kernel/serve/server.cpp", '"', "kernel/core/clock.hpp"),
            ("kernel/serve/server.cpp", '"', "dsl/policy.hpp"),
            ("kernel/serve/server.cpp", "<", "boost/asio/io_context.hpp"),
            ("kernel/core/clock.cpp", "<", "sys/timerfd.h"),
            ("kernel/core/clock.cpp", "<", "unordered_map"),
            ("plugins/store_memory/table.cpp", '"', "table.hpp"),
            ("plugins/store_memory/table.cpp", "<", "larder/plugin/store.hpp"),
            ("plugins/store_redis/wire.hpp", '"', "plugins/redis_wire/loop.hpp"),
            ("tests/unit/dsl/parser_test.cpp", '"', "dsl/parser.hpp"),
            ("sdk/include/larder/plugin/abi.h", "<", "stdint.h"),
            ("tests/unit/plugins/memory_test.cpp", '"', "plugins/store_memory/table.hpp"),
        ]
        with tempfile.TemporaryDirectory() as folder:
            for path, quote, name in allowed:
                with self.subTest(path=path, name=name):
                    self.assertIsNone(judge(pathlib.Path(folder), path, quote, name))


if __name__ == "__main__":
    unittest.main()
