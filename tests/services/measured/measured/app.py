RELEASE = "Release1"


def handler(event, context):
    return {"works": RELEASE.index("Good") if "Bad" in RELEASE else True}
