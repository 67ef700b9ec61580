# tests/integration/lsp_test.py -- larder lsp, driven as an editor drives it.
import pathlib
import random
import socket
import sys
import tempfile
import unittest

from larder_server import SOURCE, LarderServer, find

sys.path.insert(0, str(SOURCE / "tests/support"))
from lsp_client import Closed, LspClient, applied  # noqa: E402

URI = "file:///nowhere/p.larder"
POLICY = """larder 1

let short = 5m

namespace item {
  key "{id}"
  ttl short
  tag "item:{id}", "items"
}

on write "/items/{id}" { drop item "{id}" }
on event "items_changed" (list) { drop tag "items" }

test "an item goes" {
  put item "7"
  event "items_changed" with list = "all"
  expect dropped item "7"
}
"""


class Editor(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="larder-lsp-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def start(self, *words, root=None, **options):
        program = find("larder")
        if program is None:
            self.skipTest("larder is not built (set LARDER_BIN)")
        client = LspClient(program.resolve(), *words, cwd=self.folder)
        self.addCleanup(client.end)
        client.initialize(root, **options)
        return client

    def opened(self, text=POLICY, **options):
        client = self.start(**options)
        client.open(URI, text)
        return client

    def place(self, text, of, at=0):
        """Line and UTF-16 character of the place `at` bytes into the first `of`."""
        begin = text.index(of) + at
        line = text.count("\n", 0, begin)
        start = text.rfind("\n", 0, begin) + 1
        return line, len(text[start:begin].encode("utf-16-le")) // 2


class Session(Editor):
    def test_it_says_what_it_can_and_ends_with_status_0_after_shutdown(self):
        client = self.start()
        self.assertEqual(client.close(), 0)

    def test_an_end_without_shutdown_has_status_1(self):
        client = self.start()
        client.notify("exit", None)
        self.assertEqual(client.process.wait(60), 1)

    def test_positions_are_utf_16_and_every_promised_method_is_there(self):
        program = find("larder")
        client = LspClient(program.resolve())
        self.addCleanup(client.end)
        self.assertEqual(client.request("textDocument/hover", {})["error"]["code"], -32002)
        can = client.initialize()["capabilities"]
        self.assertEqual(can["positionEncoding"], "utf-16")
        for name in ("hover", "definition", "references", "rename", "completion", "codeAction", "documentSymbol",
                     "documentFormatting"):
            self.assertTrue(can[f"{name}Provider"], name)
        self.assertEqual(client.request("textDocument/foldingRange", {})["error"]["code"], -32601)


class Diagnostics(Editor):
    def test_findings_come_as_one_types_and_go_when_they_are_mended(self):
        client = self.start()
        self.assertEqual(client.open(URI, POLICY), [])
        line, character = self.place(POLICY, "ttl short")
        found = client.change(URI, 2, {"range": {"start": {"line": line, "character": character},
                                                 "end": {"line": line, "character": character + 3}}, "text": "tll"})
        self.assertEqual([one["code"] for one in found], ["L0102"])
        self.assertEqual(found[0]["range"]["start"], {"line": line, "character": character})
        self.assertIn("did you mean `ttl`?", found[0]["message"])
        self.assertEqual(client.change(URI, 3, {"text": POLICY}), [])

    def test_an_emoji_in_front_counts_as_two(self):
        text = ('larder 1\nnamespace a { key "{id}"; static }\n'
                'test "😀é" { put a "1"; after 5mins; expect hit a "1" }\n')
        client = self.start()
        found = client.open(URI, text)
        self.assertEqual(found[0]["range"]["start"], {"line": 2, "character": len('test "..é" { put a "1"; after 5')})
        # A change behind it lands where the editor means it, also when it points between the surrogates.
        line, character = self.place(text, "mins")
        edit = {"range": {"start": {"line": line, "character": character}, "end": {"line": line, "character": character + 4}},
                "text": "m"}
        self.assertEqual(client.change(URI, 2, edit), [])
        inside = {"range": {"start": {"line": 2, "character": 7}, "end": {"line": 2, "character": 8}}, "text": "x"}
        self.assertEqual(client.change(URI, 3, inside), [])

    def test_a_used_file_that_is_open_counts_as_it_is_typed(self):
        shared = self.folder / "shared.larder"
        shared.write_text("larder 1\nlet short = 5m\n")
        main = (self.folder / "main.larder").as_uri()
        client = self.start()
        self.assertEqual(client.open(main, 'larder 1\nuse "shared.larder"\nnamespace a { key "{id}"; ttl short }\n'), [])
        client.open(shared.as_uri(), "larder 1\nlet shrt = 5m\n")
        client.change(shared.as_uri(), 2, {"text": "larder 1\nlet shrot = 5m\n"})
        self.assertEqual([one["code"] for one in client.diagnostics[main]], ["L0221"])

    def test_findings_of_a_used_file_are_told_at_that_file(self):
        shared = self.folder / "shared.larder"
        shared.write_text("larder 1\nlet short = 5mins\n")
        client = self.start()
        client.open((self.folder / "main.larder").as_uri(), 'larder 1\nuse "shared.larder"\n')
        client.ask("textDocument/documentSymbol", {"textDocument": {"uri": (self.folder / "main.larder").as_uri()}})
        self.assertEqual([one["code"] for one in client.diagnostics[shared.as_uri()]], ["L0107"])

    def test_a_closed_document_has_no_findings(self):
        client = self.opened("namespace a { ttl 300 }\n")
        client.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
        self.assertEqual(client.findings(URI), [])


class Completion(Editor):
    def labels(self, text, **options):
        """What is offered at the `|`."""
        line, character = self.place(text, "|")
        client = self.opened(text.replace("|", ""), **options)
        return client.labels(URI, line, character)

    def test_words_are_those_that_the_place_takes(self):
        self.assertIn("namespace", self.labels("|"))
        self.assertIn("guarantee", self.labels("larder 1\n\n|"))
        clauses = self.labels("namespace a {\n  key \"{id}\"\n  |\n}\n")
        self.assertIn("stale", clauses)
        self.assertNotIn("drop", clauses)
        self.assertEqual(set(self.labels('on write "/x" {\n  |\n}\n')) & {"drop", "serve", "ttl"}, {"drop", "serve"})
        behind = self.labels('namespace a { key "{id}"; ttl 5m |\n}\n')
        self.assertIn("jitter", behind)
        self.assertNotIn("compress", behind)
        self.assertEqual(self.labels('namespace a { key "{id}"; stale 5m while |\n}\n'), ["revalidating", "error"])

    def test_names_are_those_of_the_policy(self):
        self.assertIn("item", self.labels(POLICY.replace("drop item", "drop it|")))
        self.assertIn("short", self.labels(POLICY.replace("ttl short", "ttl |")))
        self.assertIn("id", self.labels(POLICY.replace('drop item "{id}"', 'drop item "{|"')))
        self.assertIn("items", self.labels(POLICY.replace('drop tag "items"', 'drop tag "|"')))
        self.assertIn("{id}", self.labels(POLICY.replace('drop item "{id}"', 'drop item "|"')))
        self.assertIn("items_changed", self.labels(POLICY.replace('event "items_changed" with', 'event "|" with')))
        self.assertIn("hit_rate", self.labels("alert a when |"))
        self.assertIn("POST", self.labels("on |"))

    def test_stores_codecs_and_options_come_from_larder_toml_and_the_manifests(self):
        (self.folder / "larder.toml").write_text(
            '[plugins]\ntrust_path = true\n[store.quick]\nplugin = "memory"\n[codec.small]\nplugin = "brotli"\n')
        if find("plugins/store_memory.so") is None and not (find("larder").resolve().parent / "plugins").is_dir():
            self.skipTest("no plugins are built")
        text = "namespace a { key \"{id}\"; static; tiers |; compress small { ? } }\n"
        line, character = self.place(text, "|")
        client = self.start(root=self.folder)
        client.open(URI, text.replace("|", "").replace("?", ""))
        self.assertEqual(client.labels(URI, line, character), ["quick"])
        line, character = self.place(text.replace("|", ""), "?")
        self.assertIn("quality", client.labels(URI, line, character))
        line, character = self.place(text.replace("|", ""), "small")
        self.assertEqual(sorted(client.labels(URI, line, character)), ["auto", "env", "none", "small"])

    def test_what_is_taken_replaces_the_word_that_was_begun(self):
        text = POLICY.replace("drop item", "drop it")
        line, character = self.place(text, "drop it", len("drop it"))
        client = self.opened(text)
        item = next(one for one in client.at("completion", URI, line, character) if one["label"] == "item")
        self.assertEqual(applied(text, [item["textEdit"]]), POLICY)

    def test_in_a_comment_only_codes_to_allow_are_offered(self):
        self.assertEqual(self.labels("# tt|"), [])
        self.assertIn("L0303", self.labels("# allow |"))


class Names(Editor):
    def test_hover_says_what_a_namespace_is_and_who_drops_it(self):
        client = self.opened()
        text = client.at("hover", URI, *self.place(POLICY, "drop item", 6))["contents"]["value"]
        self.assertIn("lives 5m", text)
        self.assertIn('on write "/items/{id}"', text)
        self.assertIn('on event "items_changed"', text)

    def test_hover_says_what_a_rule_does_and_what_a_word_means(self):
        client = self.opened()
        self.assertIn("drop item", client.at("hover", URI, *self.place(POLICY, "on write", 1))["contents"]["value"])
        self.assertIn("How long an entry lives", client.at("hover", URI, *self.place(POLICY, "ttl short", 1))["contents"]["value"])
        self.assertIsNone(client.at("hover", URI, 1, 0))

    def test_a_definition_is_found_from_every_use(self):
        client = self.opened()
        for of, at, target in (("drop item", 5, "item {"), ("ttl short", 4, "short ="), ('drop item "{id}"', 13, "{id}\" { drop"),
                               ('drop tag "items"', 11, 'items"\n')):
            with self.subTest(of):
                found = client.at("definition", URI, *self.place(POLICY, of, at))
                line, character = self.place(POLICY, target, 1 if target[0] == "{" else 0)
                self.assertEqual(found[0]["range"]["start"], {"line": line, "character": character})

    def test_a_use_leads_to_its_file(self):
        (self.folder / "shared.larder").write_text("larder 1\n")
        uri = (self.folder / "main.larder").as_uri()
        client = self.start()
        client.open(uri, 'larder 1\nuse "shared.larder"\n')
        self.assertEqual(client.at("definition", uri, 1, 8)[0]["uri"], (self.folder / "shared.larder").as_uri())

    def test_references_are_all_places_with_or_without_the_declaration(self):
        client = self.opened()
        place = self.place(POLICY, "drop item", 6)
        self.assertEqual(len(client.at("references", URI, *place, context={"includeDeclaration": True})), 4)
        self.assertEqual(len(client.at("references", URI, *place, context={"includeDeclaration": False})), 3)

    def renamed(self, of, at, new, text=POLICY):
        client = self.opened(text)
        edits = client.at("rename", URI, *self.place(text, of, at), newName=new)["changes"]
        return applied(text, edits[URI])

    def test_rename_writes_a_namespace_a_constant_a_tag_a_capture_and_an_event_everywhere(self):
        self.assertEqual(self.renamed("drop item", 6, "thing"),
                         POLICY.replace("namespace item", "namespace thing").replace("drop item", "drop thing")
                         .replace("put item", "put thing").replace("dropped item", "dropped thing"))
        self.assertEqual(self.renamed("ttl short", 5, "brief"), POLICY.replace("short", "brief"))
        self.assertEqual(self.renamed('drop tag "items"', 11, "all"), POLICY.replace('"items"', '"all"'))
        self.assertEqual(self.renamed('key "{id}"', 7, "number"),
                         POLICY.replace('key "{id}"', 'key "{number}"').replace("item:{id}", "item:{number}"))
        self.assertEqual(self.renamed('"/items/{id}"', 9, "number"),
                         POLICY.replace('on write "/items/{id}" { drop item "{id}" }',
                                        'on write "/items/{number}" { drop item "{number}" }'))
        self.assertEqual(self.renamed("(list)", 1, "which"),
                         POLICY.replace("(list)", "(which)").replace("with list", "with which"))
        self.assertEqual(self.renamed('event "items_changed" (', 8, "changed"), POLICY.replace("items_changed", "changed"))

    def test_a_nested_namespace_is_renamed_in_its_segment_alone(self):
        text = ('namespace menu {\n  namespace item { key "{id}"; static }\n}\nnamespace other { key "{id}"; static }\n'
                'on write "/x" { drop menu.item, menu }\n')
        self.assertEqual(self.renamed("menu.item", 6, "dish", text),
                         text.replace("namespace item", "namespace dish").replace("menu.item", "menu.dish"))
        self.assertEqual(self.renamed("menu.item", 1, "card", text), text.replace("menu", "card"))

    def test_a_rename_that_breaks_the_policy_is_refused_with_the_reason(self):
        text = POLICY + "namespace other { key \"{id}\"; static }\n"
        client = self.opened(text)
        answer = client.request("textDocument/rename", {
            "textDocument": {"uri": URI}, "newName": "item",
            "position": dict(zip(("line", "character"), self.place(text, "other", 2)))})
        self.assertIn("declared twice", answer["error"]["message"])
        answer = client.request("textDocument/rename", {
            "textDocument": {"uri": URI}, "newName": "no name",
            "position": dict(zip(("line", "character"), self.place(text, "other", 2)))})
        self.assertIn("is not a name", answer["error"]["message"])
        self.assertIsNone(client.at("prepareRename", URI, *self.place(text, "larder 1", 2)))


class Live(Editor):
    def test_counters_of_a_kernel_that_runs_show_in_hover_and_nobody_waits_for_one_that_does_not(self):
        with LarderServer(POLICY) as server:
            with socket.create_connection(("127.0.0.1", server.port)) as redis:
                redis.sendall(b"SET item:7 x\r\nGET item:7\r\nGET item:8\r\n")
                self.assertIn(b"x", redis.recv(100))
            client = self.start("--socket", str(server.folder / "admin.sock"))
            client.open(URI, POLICY)
            for _ in range(2000):  # each hover answers at once; the kernel's answer comes meanwhile
                text = client.at("hover", URI, *self.place(POLICY, "drop item", 6))["contents"]["value"]
                if "Running now" in text:
                    break
            self.assertRegex(text, r"Running now: 1 entry, 50\.0 % hits of 2 reads, 0 dropped")
        client = self.start("--socket", str(self.folder / "nobody.sock"))
        client.open(URI, POLICY)
        self.assertNotIn("Running", client.at("hover", URI, *self.place(POLICY, "drop item", 6))["contents"]["value"])


class Whole(Editor):
    def test_formatting_writes_the_one_style(self):
        ugly = POLICY.replace("  ttl short", "ttl    short").replace('"item:{id}", "items"', '"item:{id}","items"')
        client = self.opened(ugly)
        edits = client.ask("textDocument/formatting", {"textDocument": {"uri": URI}, "options": {}})
        self.assertEqual(applied(ugly, edits).replace("items\"       ", "items\" "), client_style(POLICY))
        client.change(URI, 2, {"text": "namespace a { ttl 300 }\n"})
        self.assertEqual(client.ask("textDocument/formatting", {"textDocument": {"uri": URI}, "options": {}}), [])

    def test_code_actions_mend_what_is_found(self):
        text = 'larder 1\n\nnamespace item { key "{id}"; ttl 5mins }\n'
        client = self.opened(text)
        where = dict(zip(("line", "character"), self.place(text, "mins", 1)))
        actions = client.ask("textDocument/codeAction", {"textDocument": {"uri": URI}, "context": {"diagnostics": []},
                                                         "range": {"start": where, "end": where}})
        fix = actions[0]
        self.assertEqual((fix["kind"], fix["isPreferred"]), ("quickfix", True))
        self.assertEqual(applied(text, fix["edit"]["changes"][URI]), text.replace("5mins", "5m"))
        self.assertEqual(actions[-1]["kind"], "source.fixAll.larder")
        self.assertEqual(applied(text, actions[-1]["edit"]["changes"][URI]), text.replace("5mins", "5m"))

    def test_a_number_without_unit_offers_the_likely_units_and_a_warning_a_reason(self):
        text = 'larder 1\n\nnamespace a { key "{id}"; ttl 300 }\n'
        client = self.opened(text)

        def titles(of):
            where = dict(zip(("line", "character"), self.place(text, of, 1)))
            return [one["title"] for one in client.ask("textDocument/codeAction", {
                "textDocument": {"uri": URI}, "range": {"start": where, "end": where}, "context": {"diagnostics": []}})]

        self.assertEqual(titles("300"), ["Replace `300` with `300s`", "Replace `300` with `300m`"])
        text = text.replace("300", "5m") + 'namespace b { key "{id}" }\non write "/b" { drop b }\n'
        client.change(URI, 2, {"text": text})
        self.assertIn("Allow L0303 here, with a reason", titles("a { key"))
        self.assertIn("Put in `static;`", titles("a { key"))

    def test_symbols_are_the_items_with_what_they_hold(self):
        text = POLICY + 'namespace menu {\n  namespace dish { key "{id}"; static }\n}\n'
        client = self.opened(text)
        found = client.ask("textDocument/documentSymbol", {"textDocument": {"uri": URI}})
        self.assertEqual([one["name"] for one in found],
                         ["short", "item", 'write "/items/{id}"', 'event "items_changed" (list)', "an item goes", "menu"])
        self.assertEqual([one["name"] for one in found[-1]["children"]], ["dish"])
        item = found[1]
        self.assertEqual((item["range"]["start"]["line"], item["range"]["end"]["line"]), (4, 8))


def client_style(text):
    """What `larder fmt` makes of POLICY: its two rules are aligned."""
    return text.replace('on write "/items/{id}" {', 'on write "/items/{id}"          {')


class Hostile(Editor):
    def alive(self, client):
        return client.ask("textDocument/documentSymbol", {"textDocument": {"uri": URI}})

    def test_bytes_that_are_no_message_end_in_an_error_and_the_next_message_is_understood(self):
        client = self.opened()
        for junk in (b"\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", b"Content-Length: -1\r\n\r\n", b"Content-Length: x\r\n\r\n",
                     b"Content-Length: 3\r\n\r\n{}}", b"Content-Length: 0\r\n\r\n", b"Content-Length: 4\r\n\r\n\xff\xfe{}",
                     b"x" * 20000 + b"\r\n\r\n", b"Content-Length: 2\r\n\r\n[]", b"Content-Length: 4\r\n\r\nnull"):
            with self.subTest(junk[:30]):
                client.send_bytes(junk)
                self.assertIn(client.next()["error"]["code"], (-32700, -32600))
                self.assertTrue(self.alive(client))

    def test_params_of_any_kind_end_in_an_error(self):
        client = self.opened()
        rng = random.Random(6)
        kinds = [None, 1, -1, "x", [], {}, 1e300, True, {"uri": 5}, {"line": -5, "character": 2**40}, [[[]]],
                 {"uri": URI}, {"line": 2**31, "character": 2**31}]
        methods = ("completion", "hover", "definition", "references", "rename", "prepareRename", "formatting", "codeAction",
                   "documentSymbol")
        for method in methods:
            for _ in range(60):
                params = {key: rng.choice(kinds) for key in ("textDocument", "position", "range", "newName", "context")}
                answer = client.request(f"textDocument/{method}", rng.choice([params, rng.choice(kinds)]))
                self.assertTrue("result" in answer or answer["error"]["code"] in (-32602, -32803), answer)
        for method in ("didOpen", "didChange", "didClose", "didSave"):
            for _ in range(20):
                client.notify(f"textDocument/{method}", {"textDocument": rng.choice(kinds), "contentChanges": rng.choice(kinds)})
        client.open(URI, POLICY)
        self.assertTrue(self.alive(client))

    def test_questions_at_every_place_of_a_damaged_policy_are_answered(self):
        rng = random.Random(7)
        client = self.opened()
        for version in range(2, 14):
            text = list(POLICY)
            for _ in range(rng.randrange(1, 12)):
                at = rng.randrange(len(text))
                text[at:at + rng.randrange(3)] = rng.choice(["{", "}", '"', "\n", "#", " tag ", "\U0001f600", "\\", ";", "on "])
            text = "".join(text)
            client.change(URI, version, {"text": text})
            for _ in range(12):
                line = rng.randrange(text.count("\n") + 2)
                character = rng.randrange(60)
                for method in ("completion", "hover", "definition", "prepareRename"):
                    client.at(method, URI, line, character)
                where = {"line": line, "character": character}
                client.ask("textDocument/codeAction", {"textDocument": {"uri": URI}, "context": {},
                                                       "range": {"start": where, "end": where}})
                client.at("references", URI, line, character, context={"includeDeclaration": True})
                client.request("textDocument/rename", {"textDocument": {"uri": URI}, "position": where, "newName": "x"})
            client.ask("textDocument/formatting", {"textDocument": {"uri": URI}, "options": {}})
            self.alive(client)

    def test_a_stream_that_ends_in_the_middle_of_a_message_ends_the_server(self):
        client = self.start()
        client.send_bytes(b"Content-Length: 100\r\n\r\n{")
        client.process.stdin.close()
        self.assertEqual(client.process.wait(60), 1)
        with self.assertRaises(Closed):
            client.next()


if __name__ == "__main__":
    unittest.main()
