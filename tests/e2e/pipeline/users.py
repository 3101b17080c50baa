"""What the users pipeline must give, derived here from the API's own replies."""

import collections
import itertools
import uuid

import requests

PAGE = 500  # `results` of the example


def users(api, count=None, page_size=PAGE, pages=None):
    """Users of the API in the order of its pages, as parsed JSON."""

    def all_pages():
        for page in itertools.count(1):
            reply = requests.get(api.url, params={"results": page_size, "page": page}, timeout=30)
            reply.raise_for_status()
            found = reply.json()["results"]
            if not found or (pages is not None and page > pages):
                return
            yield from found

    return list(itertools.islice(all_pages(), count))


def row(user):
    """The tutorial's twelve columns."""
    location, street = user["location"], user["location"]["street"]
    return {
        "id": uuid.UUID(user["login"]["uuid"]).bytes,
        "first_name": user["name"]["first"],
        "last_name": user["name"]["last"],
        "gender": user["gender"],
        "address": f"{street['number']} {street['name']}, {location['city']}, {location['state']}, {location['country']}",
        "post_code": str(location["postcode"]),
        "email": user["email"],
        "username": user["login"]["username"],
        "dob": user["dob"]["date"],
        "registered_date": user["registered"]["date"],
        "phone": user["phone"],
        "picture": user["picture"]["medium"],
    }


def by_id(rows):
    """Rows by their id; two with one id are an error."""
    found = {r["id"]: r for r in rows}
    assert len(found) == len(rows), "an id stands twice"
    return found


def changes_by_country(some):
    return collections.Counter(user["location"]["country"] for user in some)
