RELEASE = "Release1"


def handler(event, context):
    return {"works": "Bad" not in RELEASE}
