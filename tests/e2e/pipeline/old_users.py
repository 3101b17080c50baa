"""The users of tests/data in the forms of older API versions, as far as tests need them."""

import datetime
import json


def _moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def as_12(user):
    """1.2: the street is one text, moments have no fraction, postcodes are numbers where they can be."""
    place = dict(user["location"], street="{number} {name}".format(**user["location"]["street"]).lower())
    del place["country"]
    place["postcode"] = _number(place["postcode"])
    moments = {name: dict(user[name], date=user[name]["date"][:19] + "Z") for name in ("dob", "registered")}
    return {**user, "location": place, **moments}


def as_08(user):
    """0.8: one object within another, names in small letters, moments in seconds, "zip"."""
    old = as_12(user)
    place, login = old["location"], user["login"]
    return {"user": {
        "gender": user["gender"],
        "name": {part: text.lower() for part, text in user["name"].items()},
        "location": {"street": place["street"], "city": place["city"], "state": place["state"], "zip": place["postcode"]},
        "email": user["email"],
        **{name: login[name] for name in ("username", "password", "salt", "md5", "sha1", "sha256")},
        "registered": int(_moment(user["registered"]["date"]).timestamp()),
        "dob": int(_moment(user["dob"]["date"]).timestamp()),
        **({"SSN": user["id"]["value"]} if user["id"]["value"] else {}),  # only some nations have one
        "phone": user["phone"], "cell": user["cell"], "picture": user["picture"],
    }}


def _number(text):
    text = str(text)
    return int(text) if text.isdigit() and not text.startswith("0") else text


def write(users, folder):
    """Replies of both versions, named as the recordings are."""
    folder.mkdir()
    for version, form in (("0.8", as_08), ("1.2", as_12)):
        reply = {"results": [form(user) for user in users], "version": version}
        if version == "1.2":
            reply = {"results": reply["results"], "info": {"seed": "x", "results": len(users), "page": 1, "version": version}}
        (folder / f"v{version}-sample.json").write_text(json.dumps(reply, ensure_ascii=False))
    return folder
