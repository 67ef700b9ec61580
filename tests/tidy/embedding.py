# tests/tidy/embedding.py -- docs/embedding.md and the manual pages of section 3 are what the embedding headers say.
#
#     sdk/reference/pages.py markdown >docs/embedding.md      makes the page anew
import difflib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(os.environ.get("LARDER_SOURCE_DIR") or
                    pathlib.Path(__file__).resolve().parent.parent.parent)
sys.path.insert(0, str(ROOT / "sdk/reference"))
import pages  # noqa: E402

HEADERS = ROOT / "sdk/include/larder"


class Embedding(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.manual = pages.manual("0.1.0")

    def test_the_page_is_what_the_headers_say(self):
        written, made = (ROOT / "docs/embedding.md").read_text(encoding="utf-8"), pages.markdown()
        differ = list(difflib.unified_diff(written.splitlines(), made.splitlines(), "docs/embedding.md", "the headers", lineterm="", n=0))
        self.assertEqual(differ, [], "run: sdk/reference/pages.py markdown >docs/embedding.md")

    def test_every_public_symbol_is_spoken_of(self):
        self.assertEqual(pages.without_words(), [])

    def test_every_function_has_a_page_and_each_page_names_what_is_there(self):
        # Found without the parser that makes the pages.
        header = (HEADERS / "larder.h").read_text(encoding="utf-8")
        exported = set(re.findall(r"LARDER_EMBED_API [\w *]*?\b(larder_\w+)\(", header))
        self.assertGreater(len(exported), 40)
        self.assertEqual({name for name in exported if f"{name}.3" not in self.manual}, set())
        cpp = "".join((HEADERS / name).read_text(encoding="utf-8") for name in ("larder.hpp", "asio.hpp"))
        cpp = re.sub(r"namespace detail \{.*?\}  // namespace detail", "", cpp, flags=re.S)
        classes = set(re.findall(r"(?m)^(?:class|struct) (\w+)", cpp))
        self.assertIn("Kernel", classes)
        self.assertEqual({name for name in classes if f"larder::host::{name}.3" not in self.manual}, set())
        known = {name.removesuffix(".3") for name in self.manual}
        for name, text in self.manual.items():
            see = text.partition(".SH SEE ALSO")[2]
            self.assertEqual(set(re.findall(r"^\.BR (\S+) \(3\)", see, re.M)) - known, set(), name)

    def test_a_symbol_without_words_is_found(self):
        with tempfile.TemporaryDirectory() as folder:
            planted = pathlib.Path(folder)
            for name in ("larder.h", "larder.hpp", "asio.hpp"):
                shutil.copy(HEADERS / name, planted)
            c = planted / "larder.h"
            c.write_text(c.read_text().replace("/* ------", "LARDER_EMBED_API int larder_new_thing(larder_kernel *k, int n);\n\n/* ------", 1))
            cpp = planted / "larder.hpp"
            cpp.write_text(cpp.read_text().replace("    // See larder_ref_ttl_ms.\n", "    std::size_t size() const noexcept { return bytes().size(); }\n\n    // See larder_ref_ttl_ms.\n"))
            self.assertEqual(pages.without_words(planted), ["larder_new_thing", "Value::size"])

    def test_the_manual_pages_render_without_a_warning(self):
        judges = [words for words in (["man", "--warnings", "-l"], ["mandoc", "-Tlint", "-W", "warning"]) if shutil.which(words[0])]
        if not judges:
            self.skipTest("neither man nor mandoc is here")
        with tempfile.TemporaryDirectory() as folder:
            for name, text in self.manual.items():
                (pathlib.Path(folder) / name).write_text(text, encoding="utf-8")
            for words in judges:
                ran = subprocess.run([*words, *self.manual], cwd=folder, capture_output=True, text=True, timeout=120)
                # A page has no date: the same sources make the same page.
                said = [line for line in (ran.stderr + (ran.stdout if words[0] == "mandoc" else "")).splitlines() if "missing date" not in line]
                self.assertEqual(said, [], words[0])


if __name__ == "__main__":
    unittest.main()
