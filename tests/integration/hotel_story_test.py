# tests/integration/hotel_story_test.py -- the story that ./quickstart tells, told in short and checked.
import json
import os
import subprocess
import unittest

from larder_server import SOURCE, find


class HotelStory(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        program = find("larder")
        if program is None:
            raise unittest.SkipTest("larder is not built (set LARDER_BIN)")
        ran = subprocess.run(["/usr/bin/python3", SOURCE / "examples/hotel/story.py", "--seconds", "3", "--json"],
                             capture_output=True, text=True, timeout=120,
                             env={**os.environ, "LARDER_BIN": str(program)})
        if ran.returncode:
            raise AssertionError(ran.stdout + ran.stderr)
        cls.steps = json.loads(ran.stdout)

    def test_every_step_is_sent_the_same_requests(self):
        self.assertEqual(len({step["requests"] for step in self.steps}), 1, self.steps)

    def test_a_ttl_alone_serves_what_a_write_made_old_and_a_rule_ends_that(self):
        wrong = [step["wrong"] for step in self.steps]
        self.assertEqual(wrong[0], 0)
        self.assertGreater(wrong[1], 0, self.steps)
        self.assertEqual(wrong[2:], [0] * len(wrong[2:]), self.steps)

    def test_with_the_whole_policy_the_database_is_asked_less_and_fewer_guests_fail(self):
        first, last = self.steps[0], self.steps[-1]
        self.assertLess(last["queries"], first["queries"], self.steps)
        self.assertLess(last["failed"], first["failed"], self.steps)


if __name__ == "__main__":
    unittest.main()
