"""Equal records of one millisecond: each call finds its own, in whatever order HubSpot tells of them."""

import random
from datetime import UTC, datetime, timedelta

from connectors.hubspot import records

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class Answering:
    """Stands for a client of HubSpot, whose search finds these tickets in no order."""

    def __init__(self, tickets):
        self.tickets = tickets

    def call(self, method, path, body=None, query=None):
        assert path == "/crm/v3/objects/tickets/search"
        made = [
            {"id": id, "properties": {"subject": "A", "content": "B", "createdate": at.isoformat()}}
            for id, at in self.tickets
        ]
        random.Random(3).shuffle(made)
        return {"results": made}


def test_records_of_one_millisecond_are_told_in_the_order_of_their_ids_as_numbers():
    earlier, later = AT - timedelta(milliseconds=1), AT + timedelta(milliseconds=1)
    tickets = [("11", earlier), *((str(n), AT) for n in (8, 9, 10, 12, 13)), ("2", later)]
    found = records.find(Answering(tickets), records.TICKET, AT, {"subject": "A", "content": "B"}, None)
    assert [answer["id"] for answer in found] == ["11", "8", "9", "10", "12", "13", "2"]
