import os

RELEASE = "Release1"


def handler(event, context):
    return {
        "name": os.environ["NAME"],
        "release": RELEASE,
        "works": not ("Bad" in RELEASE and os.environ["NAME"] == "four"),
    }
