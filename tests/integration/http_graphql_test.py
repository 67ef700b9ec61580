# tests/integration/http_graphql_test.py -- GraphQL behind the HTTP gateway: queries are kept, mutations drop what they touched.
import json
import unittest

from http_gateway import HttpGateway
from http_upstream import Answer, Upstream

POLICY = """\
larder 1
namespace graphql { key "{query}"; ttl 5m; with tag; tag "{tag}" }
on POST "/graphql" { let query = header "GraphQL-Key"; serve graphql "{query}" }
on GET "/graphql" { let query = header "GraphQL-Key"; serve graphql "{query}" }
"""
HOTEL = "query Hotel($id: ID!) { hotel(id: $id) { __typename id name rooms { __typename id } } }"
RENAME = "mutation Rename($id: ID!, $name: String!) { rename(id: $id, name: $name) { __typename id name } }"


class Hotels:
    """Answers the two operations above, and fails where a name is "fail"."""

    def __init__(self):
        self.names = {}
        self.asked = 0

    def __call__(self, request):
        self.asked += 1
        if request.method == "GET":
            return self.answer({"hotel": self.hotel("1")})
        asked = json.loads(request.body)
        given = asked.get("variables", {})
        if "mutation" in asked["query"]:
            if given["name"] == "fail":
                return Answer(200, b'{"data": null, "errors": [{"message": "no"}]}', {"Content-Type": "application/json"})
            self.names[given["id"]] = given["name"]
            return self.answer({"rename": {"__typename": "Hotel", "id": given["id"], "name": given["name"]}})
        if given["id"] == "broken":
            return Answer(200, b'{"data": null, "errors": [{"message": "no"}]}')
        return self.answer({"hotel": self.hotel(given["id"])})

    def hotel(self, number):
        return {"__typename": "Hotel", "id": number, "name": self.names.get(number, f"hotel {number}"),
                "rooms": [{"__typename": "Room", "id": f"{number}-1"}]}

    @staticmethod
    def answer(data):
        return Answer(200, json.dumps({"data": data}).encode(), {"Content-Type": "application/json"})


class HttpGraphqlTest(unittest.TestCase):
    def setUp(self):
        self.app = Hotels()
        self.upstream = Upstream(self.app)
        self.upstream.__enter__()
        self.addCleanup(self.upstream.__exit__)
        self.gateway = HttpGateway(POLICY, self.upstream, 'graphql = ["/graphql"]\n')
        self.gateway.__enter__()
        self.addCleanup(self.gateway.stop)

    def ask(self, document, connection=None, **variables):
        body = json.dumps({"query": document, "variables": variables})
        return self.gateway.ask("POST", "/graphql", body, {"Content-Type": "application/json"}, connection)

    def test_a_query_is_answered_from_the_cache_however_it_is_spelled(self):
        first = self.ask(HOTEL, id="1")
        again = self.ask(HOTEL.replace(" { ", "{\n  # rooms too\n").replace(", ", " , "), id="1")
        self.assertEqual((first.cache, again.cache, again.body), ("uri-miss", "hit", first.body))
        self.assertEqual(self.ask(HOTEL, id="2").cache, "uri-miss")
        self.assertEqual(self.app.asked, 2)

    def test_a_mutation_drops_only_queries_that_hold_what_it_changed(self):
        for hotel in "123":
            self.ask(HOTEL, id=hotel)
        self.assertEqual(self.ask(RENAME, id="2", name="Ritz").status, 200)
        replies = {hotel: self.ask(HOTEL, id=hotel) for hotel in "123"}
        self.assertEqual([replies[h].cache for h in "123"], ["hit", "uri-miss", "hit"])
        self.assertEqual(json.loads(replies["2"].body)["data"]["hotel"]["name"], "Ritz")

    def test_a_mutation_that_failed_may_have_changed_anything(self):
        self.ask(HOTEL, id="1")
        self.ask(RENAME, id="1", name="fail")
        self.assertEqual(self.ask(HOTEL, id="1").cache, "uri-miss")

    def test_an_answer_with_errors_is_not_kept(self):
        self.assertEqual([self.ask(HOTEL, id="broken").cache for _ in range(2)], ["uri-miss", "uri-miss"])

    def test_queries_and_mutations_share_a_connection(self):
        connection = self.gateway.connect()
        self.addCleanup(connection.close)
        for i in range(20):
            self.assertEqual(self.ask(RENAME, connection, id="9", name=f"name {i}").status, 200)
            for _ in range(2):
                hotel = json.loads(self.ask(HOTEL, connection, id="9").body)["data"]["hotel"]
                self.assertEqual(hotel["name"], f"name {i}")

    def test_a_get_is_a_query_too(self):
        for expected in ("uri-miss", "hit"):
            reply = self.gateway.get("/graphql?query=%7Bhotel%7B__typename%20id%20name%7D%7D")
            self.assertEqual(reply.cache, expected)
        self.ask(RENAME, id="1", name="Savoy")
        self.assertIn(b"Savoy", self.gateway.get("/graphql?query=%7Bhotel%7B__typename%20id%20name%7D%7D").body)


if __name__ == "__main__":
    unittest.main()
