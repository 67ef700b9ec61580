# tests/integration/page_test.py -- the page at /ui/, driven in a headless Chromium against a running larder.
import contextlib
import http.client
import json
import pathlib
import threading
import unittest
import urllib.parse

import redis

import browser
import npm_clients
from browser import Browser
from larder_server import SOURCE, LarderServer
from redis_server import RedisServer, free_ports

POLICY = """larder 1
namespace item { ttl 5m; key "{id}" }
namespace page.part { ttl 1h; key "{id}:{part}" }
on write "/items/{id}" {
  drop item "{id}"
}
on event "pages_changed" { drop page.part }
"""
TOKEN = "a token of somebody who looks"
ADMIN = "the token of somebody who may"
VIEWS = {"overview": "Overview", "performance": "Cache performance", "memory": "Memory usage", "types": "Cache types",
         "errors": "Error rate", "invalidations": "Invalidations", "policy": "Policy", "try": "Try"}
EVIL = "<img src=x onerror=globalThis.ran=1>"


def larder(policy=POLICY, listen="127.0.0.1:0", **options):
    return LarderServer(policy, admin=f'listen = ["{listen}"]\n[admin.tokens]\n'
                        'look = { role = "read", secret = { env = "LOOK" } }\nops = { role = "admin", secret = { env = "OPS" } }\n',
                        environment={"LOOK": TOKEN, "OPS": ADMIN}, **options)


class Traffic:
    """Reads and writes until told to stop: of four reads three find something."""

    def __init__(self, port, key="item:1"):
        self._client = redis.Redis(port=port)
        self._key, self._stop = key, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        self._client.set(self._key, "x" * 100)
        while not self._stop.wait(0.002):
            for _ in range(3):
                self._client.get(self._key)
            self._client.get("item:none")

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(20)
        self._client.close()


def setUpModule():
    if browser.program() is None:
        raise unittest.SkipTest("no Chromium here; ./quickstart test installs it (Debian: chromium)")


class Shown(unittest.TestCase):
    """A browser, a larder, and the page of it."""

    options = {}

    @classmethod
    def setUpClass(cls):
        cls.browser = cls.enterClassContext(Browser())

    def setUp(self):
        self.server = self.enterContext(larder(**self.options))
        self.page = self.browser.page()
        # Before there is a token, one answer is 401, and Chromium writes that down.
        self.allowed = ["401 (Unauthorized)"]

    def url(self, path="/ui/"):
        return f"http://{self.server.addresses['admin_http']}{path}"

    def open(self, view="overview", page=None, token=TOKEN):
        page = page or self.page
        page.open(self.url(f"/ui/#/{view}"))
        page.until("document.querySelector('#token')")
        page.type(token)
        page.press("Enter")
        page.until("document.querySelector('.state').textContent === 'Live' && document.querySelector('main h1')")
        return page

    def go(self, view):
        self.page.eval(f"location.hash = '#/{view}'")
        return self.page.until(f"document.querySelector('main h1').textContent === {json.dumps(VIEWS[view.partition('/')[0]])}")

    def cell(self, caption, row, column):
        """The text of a table's cell, as JavaScript that gives it."""
        return (f"(() => {{ const table = [...document.querySelectorAll('table')].find((one) => one.caption.textContent.startsWith({json.dumps(caption)}));"
                f" const i = [...table.tHead.rows[0].cells].findIndex((one) => one.innerText.trim().startsWith({json.dumps(column)}));"
                f" return [...table.tBodies[0].rows].find((one) => one.cells[0].innerText.trim() === {json.dumps(row)})?.cells[i].innerText.trim(); }})()")

    def tile(self, title):
        return f"[...document.querySelectorAll('.tile')].find((one) => one.querySelector('dt').textContent === {json.dumps(title)}).innerText"

    def post(self, path, body):
        host, _, port = self.server.addresses["admin_http"].rpartition(":")
        with contextlib.closing(http.client.HTTPConnection(host, int(port), timeout=20)) as connection:
            connection.request("POST", path, json.dumps(body), {"Authorization": f"Bearer {ADMIN}", "Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read().decode()
            self.assertEqual(answer.status, 200, text)

    def assertQuiet(self, page=None):
        page = page or self.page
        self.assertEqual([what for what in page.complaints if not any(one in what for one in self.allowed)], [])
        self.assertEqual(page.eval("forbidden"), [])


class Figures(Shown):
    def test_the_numbers_follow_the_traffic(self):
        self.open()
        with Traffic(self.server.port):
            self.page.until(f"/^7[45]/.test({self.cell('Namespaces', 'item', 'Hits')})")
            self.page.until(f"/^\\d[\\d.,k]*\\/s$/.test({self.cell('Namespaces', 'item', 'Reads')}) && {self.cell('Namespaces', 'item', 'Reads')} !== '0/s'")
            self.page.until(f"/\\n7[45](\\.\\d)? %/.test({self.tile('Hit ratio')})")
            self.assertEqual(self.page.eval(self.cell("Namespaces", "page.part", "Reads")), "0/s")
        self.page.until(f"{self.cell('Namespaces', 'item', 'Reads')} === '0/s'")
        self.assertEqual(self.page.eval(self.cell("Namespaces", "item", "Entries")), "1")
        self.assertQuiet()

    def test_the_drawing_says_what_each_tier_answers(self):
        self.open()
        with Traffic(self.server.port):
            self.page.until("/^7[45](\\.\\d)? % hits$/.test(document.querySelector('.station.tier .big').textContent)")
            words = self.page.eval("document.querySelector('.flow .unseen').textContent")
        self.assertRegex(words, r"^[\d.,k]+/s requests\. Tier memory: 7[45](\.\d)? % hits, [\d.,k]+/s answered, [\d.,k]+/s passed on, breaker closed\.")

    def test_a_drop_appears_with_its_rule_and_leads_to_the_line(self):
        self.open()
        self.post("/api/v1/route", {"method": "PUT", "path": "/items/7", "status": 200})
        self.page.until("document.querySelector('.happened li')")
        said = self.page.eval("document.querySelector('.happened li').innerText")
        self.assertRegex(said, r'(?s)\d\d:\d\d:\d\d\s+drop\s*item "7"\s+by test\.larder:4 PUT /items/7')
        self.page.eval("document.querySelector('.happened li a').click()")
        row = "document.querySelector('.policy tr.sought')"
        self.page.until(row)
        self.assertEqual(self.page.eval(f"{row}.innerText.replace(/\\s+/g, ' ').trim()"), '4 fired once on write "/items/{id}" {')
        self.assertQuiet()

    def test_counters_stand_beside_each_rule_and_namespace_of_the_policy(self):
        self.open("policy")
        with Traffic(self.server.port):
            for _ in range(3):
                self.post("/api/v1/route", {"method": "PUT", "path": "/items/9", "status": 200})
            counter = "document.querySelectorAll('.policy tbody tr')[{}].cells[1].textContent"
            self.page.until(f"{counter.format(3)} === 'fired 3'")
            self.page.until(f"/^7\\d(\\.\\d)? % of /.test({counter.format(1)})")
        self.assertEqual(self.page.eval(counter.format(6)), "fired 0")
        self.assertEqual(self.page.eval(counter.format(2)), "no reads")
        self.assertEqual(self.page.eval(counter.format(0)), "")

    def test_a_key_that_is_read_most_is_called_hot_where_the_token_may_see_keys(self):
        self.open(token=ADMIN)
        with Traffic(self.server.port, "item:favourite"):
            self.page.until("[...document.querySelectorAll('tbody th')].some((one) => one.textContent === 'item:favourite')")
        self.assertQuiet()

    def test_try_explains_a_request_and_shows_the_line(self):
        self.open("try")
        self.page.eval("document.querySelector('#try-path').focus()")
        self.page.type("/items/42")
        self.page.press("Enter")
        self.page.until("!document.querySelector('.answer').hidden")
        self.assertIn('drop item "42"', self.page.eval("document.querySelector('.answer').textContent"))
        self.assertEqual(self.page.eval("document.querySelector('main .note a').textContent"), "test.larder:4")
        self.assertQuiet()

    def test_without_any_traffic_no_view_shows_a_number_that_is_none(self):
        self.open()
        for view in VIEWS:
            self.go(view)
            self.page.until("document.querySelector('main').innerText.length > 60")
            self.assertNotRegex(self.page.text(), r"NaN|undefined|Infinity|null|\[object")
        self.assertQuiet()

    def test_the_four_dashboards_have_the_names_that_grafana_shows(self):
        board = json.loads((SOURCE / "conf/grafana/larder.json").read_text(encoding="utf-8"))
        rows = [panel["title"] for panel in board["panels"] if panel["type"] == "row"]
        self.open()
        shown = []
        for view in ("performance", "memory", "types", "errors"):
            self.go(view)
            shown.append(self.page.eval("document.querySelector('main h1').textContent"))
        self.assertEqual([row for row in rows if row in shown], shown)

    def test_an_alert_that_fires_stands_on_the_overview(self):
        policy = POLICY + "alert poor when hit_rate < 90% for 1s -> log\n"
        self.server = self.enterContext(larder(policy))
        self.open()
        with Traffic(self.server.port):
            self.page.until("document.querySelector('ul.notice')?.innerText.includes('poor hit_rate < 90%')")
            self.page.until("document.querySelector('.badge').textContent === '1 firing'")
            self.go("errors")
            self.page.until(f"{self.cell('Alerts', 'poor', 'State')} === 'fires'")
        self.assertQuiet()

    def test_a_chart_has_its_numbers_as_a_table(self):
        self.open("performance")
        with Traffic(self.server.port):
            self.page.eval("document.querySelector('.chart-table summary').click()")
            self.page.until("document.querySelectorAll('.chart-table tbody tr').length >= 2")
            self.page.until("/Hits 7[45]/.test(document.querySelector('.canvas').getAttribute('aria-label'))")
        self.assertRegex(self.page.eval("document.querySelector('.chart-table tbody tr').innerText"), r"^\d\d:\d\d:\d\d\s+\S+")


class Trouble(Shown):
    def test_an_open_breaker_is_seen_on_every_view_and_its_end_too(self):
        server = self.enterContext(RedisServer())
        policy = POLICY + "breaker cold { open after 3 failures; retry after 1s; probe 1 }\n"
        self.server = self.enterContext(larder(policy, store=f'[store.cold]\nplugin = "redis"\nhost = "127.0.0.1"\nport = {server.port}\n'))
        self.open()
        with Traffic(self.server.port):
            server.kill()
            self.page.until("document.querySelector('.badge').textContent.startsWith('1 open') && !document.querySelector('.badge').hidden")
            self.page.until("/breaker (half )?open/.test(document.querySelector('.station.tier.open')?.textContent)")
            self.assertIn("breaker of cold is open", self.page.until("document.querySelector('[role=status]').textContent"))
            self.go("errors")
            self.page.until(f"/open/.test({self.cell('By tier', 'cold', 'Breaker')})")
            self.page.until(f"Number({self.cell('By tier', 'cold', 'Connection')}) > 0")
            server.start()
            self.page.until("document.querySelector('.badge').hidden")
        self.assertEqual(self.page.eval(self.cell("By tier", "cold", "Breaker")), "closed")
        self.assertQuiet()

    def test_a_kernel_that_is_away_is_said_and_found_again(self):
        port = free_ports(1)[0]
        self.server = self.enterContext(larder(listen=f"127.0.0.1:{port}"))
        self.open()
        self.server.stop()
        self.page.until("document.querySelector('.state').textContent === 'No answer'")
        self.assertIn("The figures are the last it gave.", self.page.eval("document.querySelector('.notice').innerText"))
        self.server = self.enterContext(larder(listen=f"127.0.0.1:{port}"))
        self.page.eval("document.querySelector('.notice button').click()")
        self.page.until("document.querySelector('.state').textContent === 'Live' && document.querySelector('.notice').hidden")

    def test_a_wrong_token_is_said_plainly_and_the_right_one_may_follow(self):
        self.page.open(self.url())
        self.page.until("document.querySelector('#token')")
        self.assertIn("asks for a token", self.page.text())
        self.page.type("the token of nobody at all")
        self.page.press("Enter")
        self.page.until("document.querySelector('[role=alert]')")
        self.assertIn("does not know this token", self.page.text())
        self.assertEqual(self.page.eval("document.activeElement.id"), "token")
        self.page.type(TOKEN)
        self.page.press("Enter")
        self.page.until("document.querySelector('.state').textContent === 'Live'")
        self.assertQuiet()

    def test_a_tab_that_nobody_sees_asks_nothing_until_it_is_seen_again(self):
        self.open()
        see = lambda hidden: self.page.eval(  # what a browser says of a tab behind another one
            f"Object.defineProperty(document, 'hidden', {{configurable: true, get: () => {json.dumps(hidden)}}}),"
            f" document.dispatchEvent(new Event('visibilitychange'))")
        asked = lambda: len([address for address in self.page.requests if address.endswith("/live")])
        see(True)
        self.page.eval("new Promise((done) => setTimeout(done, 300))")  # one may be under way
        before = asked()
        self.page.eval("new Promise((done) => setTimeout(done, 2500))")
        self.assertEqual(asked(), before)
        see(False)
        self.page.until("document.querySelector('.state').textContent === 'Live'")
        self.page.eval("new Promise((done) => setTimeout(done, 1500))")
        self.assertGreater(asked(), before)

    def test_the_token_stays_in_the_tab(self):
        self.open()
        self.assertEqual(self.page.eval("JSON.stringify([Object.values(localStorage), document.cookie])"), '[[],""]')
        self.assertEqual(self.page.eval("Object.values(sessionStorage)"), [TOKEN])
        self.assertNotIn(urllib.parse.quote(TOKEN), " ".join(self.page.requests))

    def test_what_clients_write_is_shown_as_text(self):
        client = redis.Redis(port=self.server.port)
        self.addCleanup(client.close)
        self.open()
        client.set(f"item:{EVIL}", "x")
        client.execute_command("LARDER", "ROUTE", "PUT", f"/items/{EVIL}", "200")
        client.execute_command("LARDER", "DROP", "item", EVIL)
        for _ in range(2000):
            client.get(f"item:{EVIL}")
        self.page.until(f"document.querySelector('.happened')?.innerText.includes({json.dumps(EVIL)})")
        for view in VIEWS:
            self.go(view)
            self.page.until("document.querySelector('main').innerText.length > 60")
            self.assertEqual(self.page.eval("[document.querySelectorAll('main img').length, globalThis.ran ?? 0]"), [0, 0], view)
        self.assertQuiet()


class Everybody(Shown):
    """Keyboard, screen reader, narrow screens, somebody else's network."""

    def test_the_keyboard_alone_reaches_every_view(self):
        self.page.open(self.url())
        self.page.until("document.querySelector('#token') === document.activeElement")
        self.page.type(TOKEN)
        self.page.press("Enter")
        self.page.until("document.querySelector('.state').textContent === 'Live' && document.querySelector('main h1')")
        for view, title in VIEWS.items():
            for _ in range(60):
                self.page.press("Tab", shift=True)
                if self.page.eval(f"document.activeElement.getAttribute('href') === '#/{view}' && !!document.activeElement.closest('nav')"):
                    break
            self.assertTrue(self.page.eval("document.activeElement.matches(':focus-visible')"), view)
            self.page.press("Enter")
            self.page.until(f"document.querySelector('main h1').textContent === {json.dumps(title)}")
            self.assertEqual(self.page.eval("document.querySelector('nav [aria-current=page]').getAttribute('href')"), f"#/{view}")
        self.assertQuiet()

    def test_the_first_stop_of_the_keyboard_leads_past_the_navigation(self):
        self.open()
        self.page.eval("globalThis.before = location.reload() ?? true")
        self.page.until("!globalThis.before && document.querySelector('.state')?.textContent === 'Live' && document.querySelector('main h1')")
        self.page.press("Tab")
        self.assertEqual(self.page.focused(), "a To the figures")
        self.page.press("Enter")
        self.assertEqual(self.page.eval("document.activeElement.id"), "main")

    def test_no_view_has_a_fault_that_axe_finds(self):
        modules, why = npm_clients.attempt(npm_clients.AXE)
        if modules is None:
            self.skipTest(why)
        axe = pathlib.Path(modules, "axe-core", "axe.min.js").read_text(encoding="utf-8")
        self.post("/api/v1/route", {"method": "PUT", "path": "/items/7", "status": 200})
        for scheme in ("light", "dark"):
            page = self.browser.page(prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
            page.open(self.url())
            page.until("document.querySelector('#token')")
            page.eval(f"(() => {{ {axe} }})()")
            self.judge(page, f"token, {scheme}")
            page.type(TOKEN)
            page.press("Enter")
            page.until("document.querySelector('main h1') && document.querySelector('.state').textContent === 'Live'")
            with Traffic(self.server.port):
                for view, title in VIEWS.items():
                    page.eval(f"location.hash = '#/{view}'")
                    page.until(f"document.querySelector('main h1').textContent === {json.dumps(title)}")
                    page.until("document.querySelector('main').innerText.length > 60")
                    self.judge(page, f"{view}, {scheme}")

    def judge(self, page, what):
        found = page.eval("""axe.run(document, {resultTypes: ["violations"]}).then(({violations}) =>
            violations.map((one) => `${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map((node) => node.html + " " + (node.any[0]?.message ?? "")).join(" | ")}`))""")
        self.assertEqual(found, [], what)

    def test_nothing_is_asked_of_anybody_else(self):
        self.open()
        for view in VIEWS:
            self.go(view)
        self.assertTrue(self.page.requests)
        for address in self.page.requests:
            self.assertTrue(address.startswith(self.url("/")), address)
        self.assertQuiet()

    def test_files_come_compressed_and_with_a_policy_that_lets_nothing_else_in(self):
        self.page.open(self.url())
        self.page.until("document.querySelector('#token')")
        files = {address: answer["headers"] for address, answer in self.page.answers.items() if "/ui/" in address}
        self.assertGreater(len(files), 10)
        for address, headers in files.items():
            headers = {name.lower(): value for name, value in headers.items()}
            self.assertIn("default-src 'self'", headers["content-security-policy"], address)
            self.assertEqual(headers.get("content-encoding"), "br", address)

    def test_a_screen_of_360_pixels_does_not_scroll_sideways(self):
        page = self.browser.page(360, 700)
        self.open(page=page)
        with Traffic(self.server.port):
            for view in VIEWS:
                page.eval(f"location.hash = '#/{view}'")
                page.until(f"document.querySelector('main h1').textContent === {json.dumps(VIEWS[view])}")
                self.assertLessEqual(page.eval("document.scrollingElement.scrollWidth"), 360, view)

    def test_the_colours_follow_the_choice(self):
        self.open()
        page = "getComputedStyle(document.documentElement).backgroundColor"
        light = self.page.eval(page)
        self.page.eval("(() => { const choice = document.querySelector('.tools select'); choice.value = 'dark'; choice.dispatchEvent(new Event('change')); })()")
        self.assertNotEqual(self.page.eval(page), light)

    def test_a_paused_page_stays_as_it_is_until_it_goes_on(self):
        self.open()
        self.page.eval("[...document.querySelectorAll('button')].find((one) => one.textContent === 'Pause').click()")
        self.page.until("document.querySelector('.state').textContent === 'Paused'")
        with Traffic(self.server.port):
            asked = len([address for address in self.page.requests if address.endswith("/live")])
            self.page.eval("new Promise((done) => setTimeout(done, 1500))")
            self.assertEqual(len([address for address in self.page.requests if address.endswith("/live")]), asked)
            self.page.eval("[...document.querySelectorAll('button')].find((one) => one.textContent === 'Go on').click()")
            self.page.until(f"/^7/.test({self.cell('Namespaces', 'item', 'Hits')})")


if __name__ == "__main__":
    unittest.main()
