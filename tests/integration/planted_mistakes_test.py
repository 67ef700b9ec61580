# tests/integration/planted_mistakes_test.py -- mistakes that people make, planted into copies of the shipped policies:
# larder check finds each, and a running kernel with that policy does what the finding says.
import json
import re
import unittest

from http_gateway import HttpGateway
from http_upstream import Answer, Upstream
from larder_program import Scratch, larder
from larder_server import SOURCE, LarderServer

GUARANTEE = re.compile(r'^guarantee ".*?^}\n', re.MULTILINE | re.DOTALL)

TIERS = ('[store.l1]\nplugin = "memory"\n[store.l2]\nplugin = "memory"\n'
         '[codec.brotli]\nplugin = "brotli"\n')


def shipped(name):
    """The text of a shipped policy with what it uses put in its place."""
    text = (SOURCE / f"policies/{name}.larder").read_text(encoding="utf-8")
    shared = (SOURCE / "policies/shared/ttl_classes.larder").read_text(encoding="utf-8")
    return text.replace('use "shared/ttl_classes.larder"\n', shared.replace("larder 1\n", "", 1))


def planted(name, before, after):
    text = shipped(name)
    assert text.count(before) == 1, f"{name}: {text.count(before)} times {before!r}"
    return text.replace(before, after)


class PlantedMistakes(Scratch, unittest.TestCase):
    def found(self, policy, *words):
        ran = larder("check", self.write("p.larder", policy), *words, "--format", "json")
        return json.loads(ran.stdout)

    def only(self, policy, code):
        found = self.found(policy)
        self.assertEqual([one["code"] for one in found], [code], found)
        return found[0]

    def story(self, policy, entry, *happening):
        """Puts an entry, lets something happen, and tells whether the entry is still there."""
        with LarderServer(policy, conf=TIERS) as server:
            def ask(*words):
                return larder(*words, "--socket", server.folder / "admin.sock")
            namespace, key, *bindings = entry
            put = ask("put", namespace, key, "value", *bindings)
            self.assertEqual(put.returncode, 0, put.stdout + put.stderr)
            self.assertEqual(ask("get", namespace, key).returncode, 0)
            ran = ask(*happening)
            self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
            return ask("get", namespace, key).returncode == 0

    def test_a_lost_method_is_found_with_a_request_that_really_drops_nothing(self):
        broken = planted("hotel", 'on write "/v1.0/user/create**"', 'on POST, PUT, PATCH "/v1.0/user/create**"')
        found = [one for one in self.found(broken) if one["code"] == "L0309"]
        self.assertTrue(found)
        method, path = re.search(r"counterexample: `(\w+) (\S+)`", " ".join(found[0]["notes"])).groups()
        self.assertEqual(method, "DELETE")
        entry = ("user_list", "1:all")
        # A kernel refuses a policy that breaks its own promise.
        self.assertTrue(self.story(GUARANTEE.sub("", broken), entry, "route", method, path))
        self.assertFalse(self.story(GUARANTEE.sub("", shipped("hotel")), entry, "route", method, path))

    def test_a_dead_tag_is_found_and_the_event_really_drops_nothing(self):
        broken = planted("auraconnect", 'drop tag "recipe_costs"', 'drop tag "recipe_cots"')
        codes = {one["code"] for one in self.found(broken)}
        self.assertIn("L0301", codes)
        entry = ("menu.recipe_cost", "7:t1")
        self.assertTrue(self.story(broken, entry, "event", "prices_changed"))
        self.assertFalse(self.story(shipped("auraconnect"), entry, "event", "prices_changed"))

    def test_a_leak_between_tenants_is_an_error(self):
        leak = shipped("auraconnect") + (
            '\non GET "/api/v1/promotions" {\n  let tenant_id = header "X-Tenant-Id"\n'
            '  serve promotions.active "all:t1"\n}\n')
        found = [one for one in self.found(leak) if one["code"] == "L0311"]
        self.assertEqual([one["severity"] for one in found], ["error"])
        self.assertIn("{tenant_id}", found[0]["message"])
        self.assertEqual(self.found(leak.replace("all:t1\"\n}", "all:t{tenant_id}\"\n}")), [])

    def test_a_leak_between_tenants_that_is_allowed_by_word_really_serves_one_the_others_answer(self):
        app = self.enterContext(Upstream(lambda request: Answer(200, request.headers["x-tenant-id"].encode())))

        def told(key, allow=""):
            policy = ('larder 1\nnamespace promotions { key "{id}"; ttl 1h; static }\n'
                      'on GET "/promotions" {\n  let tenant_id = header "X-Tenant-Id"\n'
                      f'{allow}  serve promotions "{key}"\n}}\n')
            with HttpGateway(policy, app) as gateway:
                return [gateway.get("/promotions", x_tenant_id=tenant).body for tenant in ("one", "two")]
        self.assertEqual(told("all", "  # allow L0311: planted\n"), [b"one", b"one"])
        self.assertEqual(told("{tenant_id}"), [b"one", b"two"])

    def test_a_cold_gap_is_found_and_the_entry_really_ends_before_it_is_warmed_again(self):
        broken = planted("hotel", "  every 10m\n", "  every 30m\n").replace(
            "ttl env DASHBOARD_STATS_TTL or 10m", "ttl 10m")
        found = self.only(broken, "L0306")
        self.assertIn("cold for 20m out of every 30m", " ".join(found["notes"]))
        with LarderServer(GUARANTEE.sub("", broken), conf=TIERS) as server:
            import redis
            client = redis.Redis(port=server.port)
            client.set("dashboard_stats:all", "1")
            self.assertLessEqual(client.ttl("dashboard_stats:all"), 600)
            client.close()

    def test_a_shadowed_rule_is_found_and_the_request_really_drops_the_same_without_it(self):
        rule = '\non PUT "/users/{id}/name" { drop user.profile "{id}" }\n'
        found = self.only(shipped("panic") + rule, "L0305")
        line = int(re.search(r"the rule at line (\d+)", found["message"])[1])
        self.assertIn('on write "/users/{user_id}/**"', shipped("panic").splitlines()[line - 1])
        for policy in (shipped("panic") + rule, shipped("panic")):
            self.assertFalse(self.story(policy, ("user.profile", "9"), "route", "PUT", "/users/9/name"))

    def test_live_numbers_tell_what_a_pattern_costs(self):
        policy = ('larder 1\nnamespace stock { key "{sku}"; ttl 1h }\n'
                  'on event "renamed" (part) { drop stock matching "*{part}*" }\n')
        file = self.write("p.larder", policy)
        with LarderServer(policy) as server:
            import redis
            client = redis.Redis(port=server.port)
            with client.pipeline(transaction=False) as pipe:
                for k in range(1200):
                    pipe.set(f"stock:{k}", "1")
                pipe.execute()
            client.close()
            ran = larder("check", file, "--socket", server.folder / "admin.sock")
            self.assertRegex(ran.stdout, r"L0314.*`stock`, now 1200 entries")
        ran = larder("check", file, "--socket", self.folder / "nobody.sock")
        self.assertIn("L0317", ran.stdout)
        self.assertIn("no live numbers", ran.stderr)


if __name__ == "__main__":
    unittest.main()
