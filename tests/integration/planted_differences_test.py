# tests/integration/planted_differences_test.py -- mistakes in copies of the shipped policies: found before they run,
# and the request that was shown does to a running kernel what was said.
#
# Each case plants one mistake by replacing a text. `larder diff` or `larder check` must find it and give a
# witness; the witness is sent to two kernels, one with the policy as it ships and one with the mistake.
import json
import subprocess
import unittest

from larder_program import Scratch
from larder_server import SOURCE, LarderServer, find
from planted_mistakes_test import TIERS

SHARED = SOURCE / "policies" / "shared"


def policy(name):
    text = (SOURCE / "policies" / f"{name}.larder").read_text(encoding="utf-8")
    return text.replace('use "shared/', f'use "{SHARED}/')


def planted(name, old, new):
    text = policy(name)
    assert text.count(old) >= 1, f"{name} has no {old!r}"
    return text.replace(old, new, 1)


def told(server, *words):
    return subprocess.run([find("larder"), *words, "--socket", server.folder / "admin.sock"],
                          capture_output=True, text=True, timeout=60)


class Planted(Scratch, unittest.TestCase):
    def difference(self, old, new):
        ran = self.run_larder("diff", self.write("old.larder", old), self.write("new.larder", new),
                              "--format", "json", status=1)
        return json.loads(ran.stdout)

    def refuted(self, text):
        ran = self.run_larder("check", self.write("planted.larder", text), status=1)
        return ran.stdout

    def gone_after(self, text, entry, request):
        """Whether an entry is gone after a request that was answered."""
        with LarderServer(text, conf=TIERS) as server:
            space, key, pairs = entry
            with_words = [word for pair in pairs for word in ("--with", pair)]
            put = told(server, "put", space, key, "value", *with_words)
            self.assertEqual(put.returncode, 0, put.stderr)
            self.assertEqual(told(server, "get", space, key).returncode, 0)
            route = told(server, "route", *request)
            self.assertEqual(route.returncode, 0, route.stderr)
            return told(server, "get", space, key).returncode == 1

    def witness(self, found, deed):
        for one in found["requests"]:
            if any(deed in effect["text"] for effect in one["before"] + one["after"]):
                return one["witness"]
        self.fail(f"no request for {deed}: {json.dumps(found)[:2000]}")

    def test_a_lost_method_is_found_by_diff_and_its_witness_drops_nothing_any_more(self):
        old = policy("panic")
        new = planted("panic", 'on write "/users/{user_id}/**"', 'on POST, PUT, PATCH "/users/{user_id}/**"')
        witness = self.witness(self.difference(old, new), "drop user.profile")
        self.assertEqual(witness["method"], "DELETE")
        key = witness["path"].split("/")[2]
        request = (witness["method"], witness["path"], str(witness["status"]))
        self.assertTrue(self.gone_after(old, ("user.profile", key, ()), request))
        self.assertFalse(self.gone_after(new, ("user.profile", key, ()), request))

    def test_a_lost_method_is_refuted_by_the_guarantee_and_the_counterexample_holds(self):
        new = planted("hotel", 'on write "/v1.0/user/update/{user_id}/**"',
                      'on POST, PUT "/v1.0/user/update/{user_id}/**"')
        text = self.refuted(new)
        self.assertIn("L0309", text)
        shown = text.split("counterexample: `", 1)[1].split("`", 1)[0]
        method, path = shown.split(" ")
        self.assertIn(method, ("DELETE", "PATCH"))
        entry = ("user_details", path.rsplit("/", 1)[1], ())
        without = new.split("guarantee ", 1)[0] + "\n"
        self.assertTrue(self.gone_after(policy("hotel"), entry, (method, path, "200")))
        self.assertFalse(self.gone_after(without, entry, (method, path, "200")))

    def test_a_tag_that_was_taken_from_its_namespace_is_named_with_the_rule_that_finds_nothing(self):
        old = policy("auraconnect")
        new = planted("auraconnect", 'tag "category:{category_id}"; with category_id', "with category_id")
        found = self.difference(old, new)
        space = next(i for i in found["items"] if i["name"] == "menu.item")
        self.assertTrue(space["cold"])
        self.assertTrue(any("category:{category_id}" in c and "finds none" in c
                            for c in space["consequences"]), space)
        entry = ("menu.item", "7:t1", ("tenant_id=1", "category_id=5"))
        request = ("PUT", "/api/v1/menu/categories/5", "200")
        self.assertTrue(self.gone_after(old, entry, request))
        self.assertFalse(self.gone_after(new, entry, request))

    def test_a_tenant_that_a_key_forgot_is_found_by_diff(self):
        old = policy("auraconnect")
        new = planted("auraconnect", 'namespace stock     { key "{sku}:t{tenant_id}" }',
                      'namespace stock     { key "{sku}" }').replace(
            'drop inventory.stock "{sku}:t{tenant_id}"', 'drop inventory.stock "{sku}"')
        found = self.difference(old, new)
        space = next(i for i in found["items"] if i["name"] == "inventory.stock")
        self.assertIn({"clause": "key", "before": '"{sku}:t{tenant_id}"', "after": '"{sku}"'},
                      space["clauses"])
        self.assertTrue(space["cold"])
        # Two tenants share one entry now: what one puts the other gets.
        with LarderServer(new, conf=TIERS) as server:
            told(server, "put", "inventory.stock", "A1", "of tenant 1", "--with", "tenant_id=1")
            self.assertEqual(told(server, "get", "inventory.stock", "A1").stdout.strip(), "of tenant 1")

    def test_a_stale_window_that_is_too_long_breaks_the_promise_of_freshness(self):
        promise = '\nguarantee "profiles are fresh" { user.profile is never older than 60s }\n'
        self.run_larder("check", self.write("good.larder", policy("panic") + promise))
        text = self.refuted(planted("panic", 'namespace profile       { key "{user_id}" }',
                                    'namespace profile       { key "{user_id}"; stale 5m on error }') + promise)
        self.assertIn("L0340", text)
        self.assertIn("5m", text)


if __name__ == "__main__":
    unittest.main()
