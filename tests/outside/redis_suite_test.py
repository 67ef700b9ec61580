# tests/outside/redis_suite_test.py -- how much of Redis' own test suite larder passes, unit by unit.
#
# What has passed once has to pass: EXPECTED may only grow. The sum stands in README.md and docs/resp.md.
# Without Debian's mirror there is no suite, and the tests fail and say so.
import os
import unittest

import redis_suite
from larder_server import SOURCE, find

# passed, and how many tests the unit has
EXPECTED = {
    "type/string": (67, 71), "type/incr": (21, 23), "expire": (55, 56), "keyspace": (33, 42),
    "scan": (5, 17), "protocol": (15, 19), "quit": (3, 3), "info-command": (3, 3),
    "multi": (23, 32), "pubsub": (23, 29), "other": (11, 12), "introspection": (22, 27),
    "tracking": (46, 51),
}


class RedisSuiteTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if find("larder") is None:
            raise unittest.SkipTest("larder is not built (set LARDER_BIN)")

    def check(self, unit):
        try:
            score = redis_suite.run_against_larder(unit)
            if score.failed:  # some of its tests count single milliseconds, on a machine of its own
                score = redis_suite.run_against_larder(unit)
        except redis_suite.Unavailable as why:
            self.fail(f"Redis' suite was not run: {why}")
        said = "".join(f"\n  {name}\n" + "".join(f"      {line}\n" for line in text.splitlines()[:8])
                       for name, text in score.failed)
        passed, total = EXPECTED[unit]
        self.assertEqual(said, "", f"{len(score.passed)} of {score.total} passed")
        self.assertEqual((len(score.passed), score.total), (passed, total))

    def test_the_sum_stands_in_the_readme_and_in_docs_resp_md(self):
        passed = sum(count for count, _ in EXPECTED.values())
        total = sum(count for _, count in EXPECTED.values())
        self.assertGreaterEqual(passed, 320)
        for name in ("README.md", "docs/resp.md"):
            text = (SOURCE / name).read_text(encoding="utf-8")
            self.assertIn(f"{passed} of {total}", text, name)

    def test_every_unit_of_the_suite_that_a_cache_can_pass_is_run(self):
        self.assertEqual(sorted(EXPECTED), sorted(redis_suite.UNITS))


def _add_unit(unit):
    def test(self):
        self.check(unit)
    test.__doc__ = f"of Redis' own tests, unit {unit}, all pass that are not on the skip list."
    setattr(RedisSuiteTest, f"test_{unit.replace('/', '_').replace('-', '_')}", test)


for _unit in redis_suite.UNITS:
    _add_unit(_unit)


if __name__ == "__main__":
    os.environ.setdefault("LARDER_SOURCE_DIR", str(SOURCE))
    unittest.main()
